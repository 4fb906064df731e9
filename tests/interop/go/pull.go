package main

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// Consumers that fetch by themselves.

// poll reads a topic through Poll and ACK, twice: the second consumer goes on from where the first one was.
func poll(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	c.send(p, topic, 0, count)
	for round := 0; round < 2; round++ {
		puller := c.puller(topic)
		var got received
		pollUntil(c, puller, &got, count)
		got.awaitExactly(c, fmt.Sprintf("consumer %d", round), bodies(count*round, count*(round+1)))
		c.must(puller.Shutdown(), "shutdown")
		c.send(p, topic, count*(round+1), count*(round+2))
	}
}

// pullFrom reads one queue by offset, and parks at its end until something comes.
func pullFrom(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	var queue *primitive.MessageQueue
	sent := map[int64]string{}
	for _, body := range bodies(0, count) {
		result := c.sendOne(p, primitive.NewMessage(topic, []byte(body)))
		if queue == nil {
			queue = result.MessageQueue
		}
		if result.MessageQueue.QueueId == queue.QueueId {
			sent[result.QueueOffset] = body
		}
	}
	puller := c.puller(topic)
	offset := int64(2)
	for offset < int64(len(sent)) {
		result, err := puller.PullFrom(context.Background(), queue, offset, 3)
		c.must(err, "pull")
		c.checkEquals(primitive.PullFound, result.Status, "status")
		c.checkEquals(int64(len(sent)), result.MaxOffset, "maxOffset")
		for i, message := range result.GetMessageExts() {
			c.checkEquals(offset+int64(i), message.QueueOffset, "queueOffset")
			c.checkEquals(sent[message.QueueOffset], string(message.Body), "body")
		}
		c.check(len(result.GetMessageExts()) <= 3, "more messages than asked for")
		offset = result.NextBeginOffset
	}
	c.checkEquals(int64(len(sent)), offset, "offset at the end of the queue")

	type answer struct {
		result *primitive.PullResult
		err    error
	}
	parked := make(chan answer, 1)
	go func() {
		result, err := puller.PullFrom(context.Background(), queue, offset, 3)
		parked <- answer{result, err}
	}()
	select {
	case found := <-parked:
		c.check(false, "a pull at the end of a queue was answered at once: %v, %v", found.result, found.err)
	case <-time.After(300 * time.Millisecond):
	}
	start := time.Now()
	sends := count
	for {
		// The producer takes the queues in turn.
		sends++
		result := c.sendOne(p, primitive.NewMessage(topic, []byte("wakes")))
		if result.MessageQueue.QueueId == queue.QueueId {
			break
		}
	}
	select {
	case found := <-parked:
		c.must(found.err, "pull")
		c.checkEquals(primitive.PullFound, found.result.Status, "status of the parked pull")
		c.checkEquals("wakes", string(found.result.GetMessageExts()[0].Body), "what woke the parked pull")
		c.check(time.Since(start) < time.Second, "the parked pull was woken after %v", time.Since(start))
	case <-time.After(10 * time.Second):
		c.check(false, "the parked pull was not woken")
	}
	// This client also pulls on its own, for Poll, and panics when a message arrives while it is shut down.
	var polled received
	pollUntil(c, puller, &polled, sends)
}

// pollUntil polls and acknowledges until that many messages came.
func pollUntil(c *scenarioContext, puller rocketmq.PullConsumer, got *received, n int) {
	c.eventually(fmt.Sprintf("%d messages can be polled", n), soon, func() bool {
		request, err := puller.Poll(context.Background(), 100*time.Millisecond)
		if consumer.IsNoNewMsgError(err) {
			return false
		}
		c.must(err, "poll")
		got.add(request.GetMsgList()...)
		puller.ACK(context.Background(), request, consumer.ConsumeSuccess)
		return got.count() >= n
	})
}

func (c *scenarioContext) puller(topic string) rocketmq.PullConsumer {
	started, err := rocketmq.NewPullConsumer(c.consumerOptions(c.group("a"))...)
	c.must(err, "new pull consumer")
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}
	c.must(started.Subscribe(topic, selector), "subscribe")
	c.must(started.Start(), "start pull consumer")
	c.onClose(started.Shutdown)
	return started
}
