// Command interop runs scenarios against a RocketMQ server: list, or run NAMESRV RUN_ID SCENARIO... It exits with 1
// when a scenario failed.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// A scenario is what a user does with a client, and what has to come of it.
type scenario struct {
	name string
	// Whether it asks for a restart of the server; such scenarios run alone.
	restartsServer bool
	body           func(*scenarioContext)
}

var scenarios = []scenario{
	{"sync send", false, syncSend},
	{"async send", false, asyncSend},
	{"oneway send", false, onewaySend},
	{"batch send", false, batchSend},
	{"large, compressed and UTF-8 messages", false, contents},
	{"consumer group shares queues", false, sharedQueues},
	{"broadcast", false, broadcast},
	{"tags", false, tags},
	{"consumer restart keeps offsets", false, consumerRestart},
	{"retry", false, retry},
	{"long polling latency", false, latency},
	{"orderly consumer", false, order},
	{"orderly consumers lock queues", false, locks},
	{"pull consumer: poll", false, poll},
	{"pull consumer: pullFrom", false, pullFrom},
	{"SQL92: push consumer", false, sqlPush},
	{"timer: times", false, timerTimes},
	{"request and reply", false, request},
	{"transaction: commit and rollback", false, transactionEnds},
	{"transaction: check-back", false, transactionChecks},
	{"transaction: check-back of another producer", false, transactionOtherProducer},
	{"transaction: server restart: graceful", true, func(c *scenarioContext) { transactionServerRestart(c, "graceful") }},
	{"transaction: server restart: kill -9", true, func(c *scenarioContext) { transactionServerRestart(c, "kill") }},
	{"server restart: graceful", true, func(c *scenarioContext) { serverRestart(c, "graceful") }},
	{"server restart: kill -9", true, func(c *scenarioContext) { serverRestart(c, "kill") }},
}

func main() {
	rlog.SetLogger(clientLog)
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for _, s := range scenarios {
			report(s.name, "serializeType", "JSON", "restartsServer", s.restartsServer)
		}
		return
	}
	if len(os.Args) < 5 || os.Args[1] != "run" {
		fmt.Fprintln(os.Stderr, "usage: list | run NAMESRV RUN_ID SCENARIO...")
		os.Exit(2)
	}
	answers := bufio.NewReader(os.Stdin)
	code := 0
	for _, name := range os.Args[4:] {
		c := newScenarioContext(os.Args[2], os.Args[3], name, answers)
		if !run(find(name), c) {
			code = 1
		}
	}
	os.Exit(code)
}

func find(name string) scenario {
	for _, s := range scenarios {
		if s.name == name {
			return s
		}
	}
	panic("no scenario is called " + name)
}

func run(s scenario, c *scenarioContext) bool {
	report(s.name, "started", true)
	start := time.Now()
	reason := reasonOfFailure(s, c)
	c.close()
	seconds := time.Since(start).Seconds()
	if reason == "" {
		report(s.name, "ok", true, "seconds", seconds, "note", c.note)
	} else {
		report(s.name, "ok", false, "seconds", seconds, "reason", reason)
	}
	return reason == ""
}

// reasonOfFailure runs the scenario; a failed check is a panic with checkFailed.
func reasonOfFailure(s scenario, c *scenarioContext) (reason string) {
	defer func() {
		switch found := recover().(type) {
		case nil:
		case checkFailed:
			reason = string(found)
		default:
			reason = fmt.Sprintf("%v at %s", found, firstOwnLine(string(debug.Stack())))
		}
	}()
	s.body(c)
	return ""
}

// firstOwnLine finds where in this program a panic came from.
func firstOwnLine(stack string) string {
	for _, line := range strings.Split(stack, "\n") {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "/interop/go/") && !strings.Contains(line, "/main.go:") {
			return line[strings.LastIndex(line, "/")+1:]
		}
	}
	return "?"
}
