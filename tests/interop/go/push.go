package main

import (
	"context"
	"fmt"
	"math/rand"
	"sort"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Push consumers with a concurrent handler.

const (
	// Far below the 20 s after which a client rebalances by itself.
	rebalanceLimit = 5 * time.Second
	latencyMax     = 200 * time.Millisecond
)

// allocation is what a consumer was last given, per topic, without those of its retry topic.
type allocation struct {
	mutex  sync.Mutex
	topic  string
	queues []int
}

func (a *allocation) strategy(group, clientID string, all []*primitive.MessageQueue, clientIDs []string) []*primitive.MessageQueue {
	given := consumer.AllocateByAveragely(group, clientID, all, clientIDs)
	a.note(all, given)
	return given
}

func (a *allocation) note(all, given []*primitive.MessageQueue) {
	if len(all) == 0 || all[0].Topic != a.topic {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.queues = nil
	for _, queue := range given {
		a.queues = append(a.queues, queue.QueueId)
	}
}

func (a *allocation) count() int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return len(a.queues)
}

// sharedQueues has two consumers divide the queues; when one leaves, the other takes over at once.
func sharedQueues(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	c.send(p, topic, 0, count)
	var first, second received
	firstQueues, secondQueues := &allocation{topic: topic}, &allocation{topic: topic}
	c.consume(c.group("a"), topic, "*", first.handle, consumer.WithStrategy(firstQueues.strategy))
	first.awaitExactly(c, "the only consumer", bodies(0, count))

	notified := clientLog.notified(c.group("a"))
	leaver := c.consume(c.group("a"), topic, "*", second.handle, consumer.WithStrategy(secondQueues.strategy))
	joinMillis := c.eventually("both consumers have two queues", rebalanceLimit, func() bool {
		return firstQueues.count() == 2 && secondQueues.count() == 2
	})
	c.check(clientLog.notified(c.group("a")) > notified, "nobody was notified when a consumer joined")

	c.send(p, topic, count, count*3)
	c.eventually("both consumers together get the rest", soon, func() bool {
		return shared(&first, &second, count, count*3) >= count*2
	})
	checkOnce(c, &first, &second, count, count*3)
	c.checkEquals(count, shared(&second, &received{}, count, count*3), "messages of the second consumer")

	notified = clientLog.notified(c.group("a"))
	c.must(leaver.Shutdown(), "shutdown")
	leaveMillis := c.eventually("the first consumer has all queues", rebalanceLimit, func() bool {
		return firstQueues.count() == queueCount
	})
	c.check(clientLog.notified(c.group("a")) > notified, "nobody was notified when a consumer left")
	c.send(p, topic, count*3, count*4)
	c.eventually("the first consumer gets all that follows", soon, func() bool {
		return first.has(bodies(count*3, count*4))
	})
	checkOnce(c, &first, &second, count*3, count*4)
	c.note = fmt.Sprintf("rebalanced in %d ms after the join, %d ms after the leave", joinMillis, leaveMillis)
}

// shared counts the messages m-<from> to m-<to> that either got. What the first got alone does not count: this client
// sends its offsets every five seconds, so a consumer that joins may start with some of it.
func shared(first, second *received, from, to int) int {
	sum := 0
	firstCounts, secondCounts := first.counts(), second.counts()
	for _, body := range bodies(from, to) {
		sum += firstCounts[body] + secondCounts[body]
	}
	return sum
}

func checkOnce(c *scenarioContext, first, second *received, from, to int) {
	firstCounts, secondCounts := first.counts(), second.counts()
	for _, body := range bodies(from, to) {
		c.checkEquals(1, firstCounts[body]+secondCounts[body], "copies of "+body)
	}
}

func broadcast(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	c.send(p, topic, 0, count)
	var first, second received
	for _, got := range []*received{&first, &second} {
		c.consume(c.group("a"), topic, "*", got.handle, consumer.WithConsumerModel(consumer.BroadCasting))
	}
	first.awaitExactly(c, "the first consumer", bodies(0, count))
	second.awaitExactly(c, "the second consumer", bodies(0, count))
	c.send(p, topic, count, count*2)
	first.awaitExactly(c, "the first consumer", bodies(0, count*2))
	second.awaitExactly(c, "the second consumer", bodies(0, count*2))
}

func tags(c *scenarioContext) {
	p := c.producer(producer.WithQueueSelector(firstQueue{}))
	topic := c.topic("")
	names := []string{"C", "A", "", "B"}
	var aOrB []string
	// One queue, and the last message matches: when it has come, nothing that precedes it is still under way.
	for i, body := range bodies(0, count) {
		message := primitive.NewMessage(topic, []byte(body))
		if tag := names[i%len(names)]; tag != "" {
			message.WithTag(tag)
		}
		if i%2 == 1 {
			aOrB = append(aOrB, body)
		}
		c.sendOne(p, message)
	}
	var some, all received
	c.consume(c.group("some"), topic, "A || B", some.handle)
	c.consume(c.group("all"), topic, "*", all.handle)
	some.awaitExactly(c, "A || B", aOrB)
	all.awaitExactly(c, "*", bodies(0, count))
}

type firstQueue struct{}

func (firstQueue) Select(_ *primitive.Message, queues []*primitive.MessageQueue, _ string) *primitive.MessageQueue {
	return queues[0]
}

// consumerRestart wants a consumer that comes back to continue exactly where it was.
func consumerRestart(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	c.send(p, topic, 0, count)
	for round := 0; round < 3; round++ {
		var got received
		started := c.consume(c.group("a"), topic, "*", got.handle)
		got.awaitExactly(c, fmt.Sprintf("consumer %d", round), bodies(count*round, count*(round+1)))
		c.must(started.Shutdown(), "shutdown")
		c.send(p, topic, count*(round+1), count*(round+2))
	}
}

// retry has ConsumeRetryLater bring the message back through %RETRY%, after the delay that the handler asked for.
func retry(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	c.send(p, topic, 0, 1)
	// The first heartbeat of a group makes its retry topic; a client that starts before would learn of it in 30 s.
	var warmUp received
	earlier := c.consume(c.group("a"), topic, "*", warmUp.handle)
	warmUp.awaitExactly(c, "the first consumer", bodies(0, 1))
	c.must(earlier.Shutdown(), "shutdown")

	var got received
	refusedAt := make(chan time.Time, 1)
	c.consume(c.group("a"), topic, "*", func(ctx context.Context, batch ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		got.add(batch...)
		message := batch[0]
		if string(message.Body) != "m-2" || message.ReconsumeTimes > 0 {
			return consumer.ConsumeSuccess, nil
		}
		refusedAt <- time.Now()
		concurrently, _ := primitive.GetConcurrentlyCtx(ctx)
		concurrently.DelayLevelWhenNextConsume = 1
		return consumer.ConsumeRetryLater, nil
	})
	c.send(p, topic, 1, 4)
	c.eventually("three messages, one of them twice", soon, func() bool { return got.count() == 4 })
	var copies []*primitive.MessageExt
	for _, message := range got.all() {
		if string(message.Body) == "m-2" {
			copies = append(copies, message)
		}
	}
	c.checkEquals(2, len(copies), "copies of m-2")
	original, again := copies[0], copies[1]
	c.checkEquals(int32(0), original.ReconsumeTimes, "reconsumeTimes at first")
	c.checkEquals(int32(1), again.ReconsumeTimes, "reconsumeTimes again")
	c.checkEquals(topic, again.Topic, "topic again")
	c.checkEquals(topic, again.GetProperty(primitive.PropertyRetryTopic), "property RETRY_TOPIC")
	c.checkEquals(original.MsgId, again.MsgId, "msgId again")
	millis := again.StoreTimestamp - (<-refusedAt).UnixMilli()
	c.check(millis >= 900 && millis < 5000, "delay level 1 took %d ms", millis)
	c.note = fmt.Sprintf("delay level 1 took %d ms", millis)
}

// latency wants a parked pull to be answered as soon as a message is there.
func latency(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	const warmUpCount = 5
	var mutex sync.Mutex
	sentAt := map[string]time.Time{}
	var latencies []time.Duration
	arrivals := func() int {
		mutex.Lock()
		defer mutex.Unlock()
		return len(latencies)
	}
	handle := func(_ context.Context, batch ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		mutex.Lock()
		defer mutex.Unlock()
		latencies = append(latencies, time.Since(sentAt[string(batch[0].Body)]))
		return consumer.ConsumeSuccess, nil
	}
	random := rand.New(rand.NewSource(1))
	for i, body := range bodies(0, warmUpCount+50) {
		mutex.Lock()
		sentAt[body] = time.Now()
		mutex.Unlock()
		c.sendOne(p, primitive.NewMessage(topic, []byte(body)))
		if i == 0 {
			c.consume(c.group("a"), topic, "*", handle)
		}
		c.eventually(body+" arrives", soon, func() bool { return arrivals() == i+1 })
		// The gap is the scenario: the consumer has parked its pulls again when the next message is sent.
		time.Sleep(time.Duration(30+random.Intn(40)) * time.Millisecond)
	}
	measured := latencies[warmUpCount:]
	sort.Slice(measured, func(i, j int) bool { return measured[i] < measured[j] })
	max := measured[len(measured)-1]
	figures := fmt.Sprintf("p50 %.1f ms, max %.1f ms", millisOf(measured[len(measured)/2]), millisOf(max))
	c.check(max < latencyMax, "%s", figures)
	c.note = figures
}

func millisOf(duration time.Duration) float64 { return float64(duration.Microseconds()) / 1000 }
