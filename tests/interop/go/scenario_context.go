package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const (
	soon         = 30 * time.Second
	pollInterval = 10 * time.Millisecond
)

// checkFailed is what a failed check panics with; it says what was found.
type checkFailed string

// scenarioContext has the names, clients and assertions of one scenario; close shuts its clients down.
type scenarioContext struct {
	namesrvAddr string
	scenario    string
	prefix      string
	answers     *bufio.Reader
	note        string
	instances   int
	shutdowns   []func() error
}

func newScenarioContext(namesrvAddr, runID, name string, answers *bufio.Reader) *scenarioContext {
	words := regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "_")
	return &scenarioContext{
		namesrvAddr: namesrvAddr,
		scenario:    name,
		prefix:      "interop_go_" + runID + "_" + words,
		answers:     answers,
	}
}

var reportMutex sync.Mutex

// report prints a JSON line on standard output; fields are names and values in turn.
func report(scenario string, fields ...interface{}) {
	object := map[string]interface{}{"scenario": scenario}
	for i := 0; i < len(fields); i += 2 {
		object[fields[i].(string)] = fields[i+1]
	}
	line, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	reportMutex.Lock()
	defer reportMutex.Unlock()
	fmt.Fprintf(os.Stdout, "%s\n", line)
}

func (c *scenarioContext) step(step string, fields ...interface{}) {
	report(c.scenario, append([]interface{}{"step", step}, fields...)...)
}

// topic is a topic of this scenario and this run alone.
func (c *scenarioContext) topic(role string) string { return c.prefix + role }

func (c *scenarioContext) group(role string) string { return c.prefix + "_group_" + role }

// instance names a client, so that it gets connections of its own.
func (c *scenarioContext) instance() string {
	c.instances++
	return fmt.Sprintf("%s_%d", c.prefix, c.instances)
}

func (c *scenarioContext) producer(options ...producer.Option) rocketmq.Producer {
	started, err := rocketmq.NewProducer(append([]producer.Option{
		producer.WithNameServer([]string{c.namesrvAddr}),
		producer.WithInstanceName(c.instance()),
		producer.WithGroupName(c.group("producer")),
		producer.WithRetry(2),
	}, options...)...)
	c.must(err, "new producer")
	c.must(started.Start(), "start producer")
	c.onClose(started.Shutdown)
	return started
}

// consume starts a consumer from the first offset.
func (c *scenarioContext) consume(group, topic, expression string, handler handler, options ...consumer.Option) rocketmq.PushConsumer {
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: expression}
	return c.consumeSelected(group, topic, selector, handler, options...)
}

func (c *scenarioContext) consumeSelected(group, topic string, selector consumer.MessageSelector, handler handler, options ...consumer.Option) rocketmq.PushConsumer {
	started, err := rocketmq.NewPushConsumer(append(c.consumerOptions(group), options...)...)
	c.must(err, "new consumer")
	c.must(started.Subscribe(topic, selector, handler), "subscribe")
	c.must(started.Start(), "start consumer")
	c.onClose(started.Shutdown)
	return started
}

func (c *scenarioContext) consumerOptions(group string) []consumer.Option {
	return []consumer.Option{
		consumer.WithNameServer([]string{c.namesrvAddr}),
		consumer.WithInstance(c.instance()),
		consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}
}

func (c *scenarioContext) onClose(shutdown func() error) { c.shutdowns = append(c.shutdowns, shutdown) }

func (c *scenarioContext) close() {
	for i := len(c.shutdowns) - 1; i >= 0; i-- {
		if err := c.shutdowns[i](); err != nil {
			c.step("shutdown", "error", err.Error())
		}
	}
}

// send sends messages with the bodies m-<from> up to m-<to>, exclusive, one after the other.
func (c *scenarioContext) send(p rocketmq.Producer, topic string, from, to int) []*primitive.SendResult {
	var results []*primitive.SendResult
	for _, body := range bodies(from, to) {
		results = append(results, c.sendOne(p, primitive.NewMessage(topic, []byte(body))))
	}
	c.step("sent", "topic", topic, "from", from, "to", to)
	return results
}

func (c *scenarioContext) sendOne(p rocketmq.Producer, messages ...*primitive.Message) *primitive.SendResult {
	result, err := p.SendSync(context.Background(), messages...)
	c.must(err, "send")
	c.check(result.Status == primitive.SendOK, "a send was answered %d", result.Status)
	return result
}

// bodies are those that send gives.
func bodies(from, to int) []string {
	var names []string
	for i := from; i < to; i++ {
		names = append(names, fmt.Sprintf("m-%d", i))
	}
	return names
}

func (c *scenarioContext) check(condition bool, format string, values ...interface{}) {
	if !condition {
		panic(checkFailed(fmt.Sprintf(format, values...)))
	}
}

func (c *scenarioContext) checkEquals(expected, actual interface{}, what string) {
	c.check(reflect.DeepEqual(expected, actual), "%s: expected %v, found %v", what, expected, actual)
}

func (c *scenarioContext) must(err error, what string) {
	c.check(err == nil, "%s: %v", what, err)
}

// eventually waits until the condition holds, and returns the milliseconds that it took.
func (c *scenarioContext) eventually(what string, limit time.Duration, condition func() bool) int64 {
	start := time.Now()
	for time.Since(start) < limit {
		if condition() {
			millis := time.Since(start).Milliseconds()
			c.step("awaited", "what", what, "millis", millis)
			return millis
		}
		time.Sleep(pollInterval)
	}
	panic(checkFailed(fmt.Sprintf("not within %v: %s", limit, what)))
}

// restartServer has the server restarted; it returns when it serves again.
func (c *scenarioContext) restartServer(mode string) {
	report(c.scenario, "restart", mode)
	answer, _ := c.answers.ReadString('\n')
	c.check(strings.TrimSpace(answer) == "restarted", "the server did not come back: %s", answer)
}
