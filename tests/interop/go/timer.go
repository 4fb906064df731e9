package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// lateMax is what Apache's broker needs, which delivers to the second.
const lateMax = 1500 * time.Millisecond

// timerTimes sends messages with a time of delivery: each comes then.
func timerTimes(c *scenarioContext) {
	p := c.producer()
	topic := c.topic("")
	due := map[string]int64{}
	var expected []string
	for i := 0; i < count; i++ {
		body := fmt.Sprintf("m-%d", i)
		expected = append(expected, body)
		due[body] = time.Now().UnixMilli() + 1500 + int64(i*7%count*50)
		message := primitive.NewMessage(topic, []byte(body))
		// What WithDelayTimestamp does in versions after 2.1.2.
		message.WithProperty("TIMER_DELIVER_MS", strconv.FormatInt(due[body], 10))
		c.sendOne(p, message)
	}
	var got received
	c.consume(c.group("a"), topic, "*", got.handle)
	got.awaitExactly(c, "the consumer", expected)
	for _, message := range got.all() {
		late := message.StoreTimestamp - due[string(message.Body)]
		c.check(late >= 0, "%s came %d ms early", message.Body, -late)
		c.check(late <= lateMax.Milliseconds(), "%s came %d ms late", message.Body, late)
	}
}
