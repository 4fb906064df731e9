package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// The server stops and comes back while clients stay up.

const (
	restartCount = 20
	// This client sends its heartbeats every 30 s, also to a server that is new.
	recoveryLimit = 60 * time.Second
)

// A sender sends on and on, and keeps what was acknowledged.
type sender struct {
	producer     rocketmq.Producer
	topic        string
	mutex        sync.Mutex
	acknowledged map[string]*primitive.SendResult
	failures     int
	stop, ended  chan struct{}
}

func startSender(p rocketmq.Producer, topic string) *sender {
	s := &sender{producer: p, topic: topic, acknowledged: map[string]*primitive.SendResult{},
		stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for i := 1; ; i++ {
			s.send(fmt.Sprintf("m-%d", i))
			select {
			case <-s.stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return s
}

func (s *sender) send(body string) {
	result, err := s.producer.SendSync(context.Background(), primitive.NewMessage(s.topic, []byte(body)))
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err == nil && result.Status == primitive.SendOK {
		s.acknowledged[body] = result
	} else {
		s.failures++
	}
}

func (s *sender) count() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.acknowledged)
}

func (s *sender) end() {
	close(s.stop)
	<-s.ended
}

func serverRestart(c *scenarioContext, mode string) {
	p := c.producer()
	topic, quietTopic := c.topic(""), c.topic("_quiet")
	c.send(p, quietTopic, 0, restartCount)
	var before received
	stopped := c.consume(c.group("quiet"), quietTopic, "*", before.handle)
	before.awaitExactly(c, "the consumer that stops", bodies(0, restartCount))
	c.must(stopped.Shutdown(), "shutdown")

	c.send(p, topic, 0, 1)
	var live received
	c.consume(c.group("live"), topic, "*", live.handle)
	s := startSender(p, topic)
	c.eventually("messages flow", soon, func() bool { return s.count() > restartCount && live.count() > restartCount })

	c.restartServer(mode)
	acknowledged, arrived := s.count(), len(live.counts())
	sendMillis := c.eventually("sends succeed again", recoveryLimit, func() bool {
		return s.count() > acknowledged+restartCount
	})
	consumeMillis := sendMillis + c.eventually("messages arrive again", recoveryLimit, func() bool {
		return len(live.counts()) > arrived+restartCount
	})
	s.end()
	var sent []string
	for body := range s.acknowledged {
		sent = append(sent, body)
	}
	c.eventually("every acknowledged message arrives", recoveryLimit, func() bool { return live.has(sent) })
	checkAgainstLedger(c, s, &live)

	c.send(p, quietTopic, restartCount, restartCount*2)
	var after received
	c.consume(c.group("quiet"), quietTopic, "*", after.handle)
	if mode == "graceful" {
		after.awaitExactly(c, "the consumer that comes back", bodies(restartCount, restartCount*2))
	} else {
		// Consumer offsets are written every five seconds: a crash may take the last ones back, never lose messages.
		c.eventually("the consumer that comes back gets what is new", soon, func() bool {
			return after.has(bodies(restartCount, restartCount*2))
		})
	}
	c.note = fmt.Sprintf("sends again after %d ms, messages after %d ms; %d acknowledged, %d failed, %d twice",
		sendMillis, consumeMillis, len(sent), s.failures, live.count()-len(live.counts()))
}

// checkAgainstLedger wants what was acknowledged where the acknowledgement said, and no place given twice.
func checkAgainstLedger(c *scenarioContext, s *sender, live *received) {
	places := map[string]string{}
	for body, result := range s.acknowledged {
		place := fmt.Sprintf("%d/%d", result.MessageQueue.QueueId, result.QueueOffset)
		c.check(places[place] == "", "two messages were acknowledged at %s", place)
		places[place] = body
	}
	for _, message := range live.all() {
		place := fmt.Sprintf("%d/%d", message.Queue.QueueId, message.QueueOffset)
		body := places[place]
		c.check(body == "" || body == string(message.Body), "%s was acknowledged to %s and holds %s", place, body, message.Body)
	}
}
