package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Push consumers with an orderly handler.

const (
	keyCount = 8
	perKey   = 25
)

// A call is one of a handler.
type call struct {
	consumer    string
	queueID     int
	queueOffset int64
	body        string
	start, end  time.Time
}

// calls are those of all consumers of a scenario.
type calls struct {
	mutex sync.Mutex
	all   []call
}

// handlerOf notes each call, and stays in it for a moment, so that an overlap would show.
func (k *calls) handlerOf(name string) handler {
	return func(_ context.Context, batch ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		start := time.Now()
		time.Sleep(2 * time.Millisecond)
		k.mutex.Lock()
		defer k.mutex.Unlock()
		for _, message := range batch {
			k.all = append(k.all, call{name, message.Queue.QueueId, message.QueueOffset, string(message.Body), start, time.Now()})
		}
		return consumer.ConsumeSuccess, nil
	}
}

// inOrder are the calls by the time when they began.
func (k *calls) inOrder() []call {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	copied := append([]call(nil), k.all...)
	sort.SliceStable(copied, func(i, j int) bool { return copied[i].start.Before(copied[j].start) })
	return copied
}

func (k *calls) of(name string) int {
	n := 0
	for _, call := range k.inOrder() {
		if call.consumer == name {
			n++
		}
	}
	return n
}

func (k *calls) distinct() int {
	bodies := map[string]bool{}
	for _, call := range k.inOrder() {
		bodies[call.body] = true
	}
	return len(bodies)
}

// order wants all messages of a key in one queue, consumed in the order in which they were sent.
func order(c *scenarioContext) {
	p := c.producer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	sendKeys(c, p, 0, perKey)
	var made calls
	c.consume(c.group("a"), c.topic(""), "*", made.handlerOf("only"), consumer.WithConsumerOrder(true))
	c.eventually("all messages arrive", soon, func() bool { return made.distinct() == keyCount*perKey })
	next := map[string]int{}
	for _, call := range made.inOrder() {
		key, number, _ := strings.Cut(call.body, "/")
		c.checkEquals(fmt.Sprint(next[key]), number, "next of "+key)
		next[key]++
	}
	c.checkEquals(keyCount, len(next), "keys")
}

// locks wants no queue to be consumed by two consumers at a time, also while one leaves.
//
// Both consumers wait for each other before they take queues: this client does not unlock a queue that it gives to
// another consumer, so that one who joins later would wait until the broker's lock expires, after 60 s.
func locks(c *scenarioContext) {
	p := c.producer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	topic := c.topic("")
	sendKeys(c, p, 0, perKey)
	var made calls
	firstQueues, secondQueues := &allocation{topic: topic}, &allocation{topic: topic}
	var first rocketmq.PushConsumer
	for name, queues := range map[string]*allocation{"first": firstQueues, "second": secondQueues} {
		started := c.consume(c.group("a"), topic, "*", made.handlerOf(name), consumer.WithConsumerOrder(true),
			consumer.WithStrategy(queues.strategyForTwo()), consumer.WithRebalanceLockInterval(time.Second))
		if name == "first" {
			first = started
		}
	}
	c.eventually("both consumers have two queues", rebalanceLimit, func() bool {
		return firstQueues.count() == 2 && secondQueues.count() == 2
	})
	c.eventually("both consumers are at work", soon, func() bool {
		return made.of("first") > keyCount && made.of("second") > keyCount
	})
	// Counted before the rest is sent: with a server that answers slowly, the consumers have it as soon as it is sent.
	done := made.of("first")
	sendKeys(c, p, perKey, perKey*2)
	// Half done: this client panics when a message arrives while it is shut down.
	c.eventually("the first consumer has begun with the rest", soon, func() bool { return made.of("first") > done+keyCount })
	c.must(first.Shutdown(), "shutdown")
	leaveMillis := c.eventually("the second consumer has all queues", rebalanceLimit, func() bool {
		return secondQueues.count() == queueCount
	})
	c.eventually("all messages arrive", soon, func() bool { return made.distinct() == keyCount*perKey*2 })
	checkNoOverlap(c, made.inOrder())
	checkOrder(c, made.inOrder())
	c.note = fmt.Sprintf("locks moved in %d ms at the leave", leaveMillis)
}

// strategyForTwo gives nothing until a second consumer is there; once there were two, it divides as usual.
func (a *allocation) strategyForTwo() consumer.AllocateStrategy {
	complete := false
	return func(group, clientID string, all []*primitive.MessageQueue, clientIDs []string) []*primitive.MessageQueue {
		complete = complete || len(clientIDs) == 2
		if !complete {
			return nil
		}
		return a.strategy(group, clientID, all, clientIDs)
	}
}

func sendKeys(c *scenarioContext, p rocketmq.Producer, from, to int) {
	for number := from; number < to; number++ {
		for key := 0; key < keyCount; key++ {
			body := fmt.Sprintf("key%d/%d", key, number)
			c.sendOne(p, primitive.NewMessage(c.topic(""), []byte(body)).WithShardingKey(fmt.Sprintf("key%d", key)))
		}
	}
	c.step("sent", "keys", keyCount, "from", from, "to", to)
}

func checkNoOverlap(c *scenarioContext, inOrder []call) {
	last := map[int]call{}
	for _, call := range inOrder {
		before, exists := last[call.queueID]
		c.check(!exists || !call.start.Before(before.end) || before.consumer == call.consumer,
			"queue %d was consumed by two at a time: %v, %v", call.queueID, before, call)
		last[call.queueID] = call
	}
}

// checkOrder allows repetitions, which may follow a change of the consumer, but no gap: an offset first comes after its
// predecessor.
func checkOrder(c *scenarioContext, inOrder []call) {
	next := map[int]int64{}
	for _, call := range inOrder {
		due := next[call.queueID]
		c.check(call.queueOffset <= due, "queue %d: %d was due, %d came", call.queueID, due, call.queueOffset)
		if call.queueOffset == due {
			next[call.queueID] = due + 1
		}
	}
}
