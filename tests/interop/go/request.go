package main

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// request asks and gets the answers of a consumer, each to its own question.
func request(c *scenarioContext) {
	asker := c.producer()
	replier := c.producer()
	topic := c.topic("")
	c.send(asker, topic, 0, 1)
	answer := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			if consumer.GetReplyToClient(message) == "" {
				continue
			}
			reply, err := consumer.CreateReplyMessage(message, nil)
			if err != nil {
				return consumer.ConsumeRetryLater, err
			}
			// The client takes its second argument for properties.
			reply.Body = []byte("re: " + string(message.Body))
			if _, err = replier.SendSync(context.Background(), reply); err != nil {
				return consumer.ConsumeRetryLater, err
			}
		}
		return consumer.ConsumeSuccess, nil
	}
	c.consume(c.group("a"), topic, "*", answer)
	// The broker finds who asked by its heartbeat, which this client sends a second after its start.
	c.eventually("the first answer", 60*time.Second, func() bool {
		_, err := asker.Request(context.Background(), 2*time.Second, primitive.NewMessage(topic, []byte("first")))
		return err == nil
	})
	for i := 0; i < 20; i++ {
		question := fmt.Sprintf("q-%d", i)
		reply, err := asker.Request(context.Background(), 20*time.Second, primitive.NewMessage(topic, []byte(question)))
		c.must(err, "asking "+question)
		c.checkEquals("re: "+question, string(reply.Body), "the answer")
	}
}
