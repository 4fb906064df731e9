package main

import (
	"fmt"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// Consumers that choose messages by SQL92; the server has to have enablePropertyFilter=true.

// sqlPush wants the messages that the expression is true of, those that were there and those that come, and no other.
func sqlPush(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	regions := []string{"eu", "us", "cn", ""}
	var matching []string
	send := func(from, to int) {
		for i := from; i < to; i++ {
			body := fmt.Sprintf("m-%d", i)
			message := primitive.NewMessage(topic, []byte(body))
			message.WithProperty("price", fmt.Sprint(i%30))
			region := regions[i%len(regions)]
			if region != "" {
				message.WithProperty("region", region)
			}
			c.sendOne(p, message)
			if i%30 >= 10 && i%30 <= 19 && (region == "eu" || region == "us") {
				matching = append(matching, body)
			}
		}
	}
	send(0, count)
	var got received
	selector := consumer.MessageSelector{
		Type:       consumer.SQL92,
		Expression: "price BETWEEN 10 AND 19 AND region IN ('eu', 'us')",
	}
	c.consumeSelected(c.group("a"), topic, selector, got.handle)
	got.awaitExactly(c, "the consumer", matching)
	send(count, count*2)
	got.awaitExactly(c, "the consumer", matching)
}
