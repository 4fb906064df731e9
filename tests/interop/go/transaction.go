package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Transactions. The server has to have a short transactionTimeOut and transactionCheckInterval; Apache's must not ask
// again before it has written down an end, which takes it transactionOpBatchInterval.

const (
	commit   = primitive.CommitMessageState
	rollback = primitive.RollbackMessageState
	unknown  = primitive.UnknowState
)

// transactionListener says at once, and when it is asked, what became of a transaction; both by the message's body.
type transactionListener struct {
	local  func(body string) primitive.LocalTransactionState
	answer func(body string, times int) primitive.LocalTransactionState
	mutex  sync.Mutex
	asked  map[string]int
}

func (l *transactionListener) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	return l.local(string(message.Body))
}

func (l *transactionListener) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	body := string(message.Body)
	l.mutex.Lock()
	l.asked[body]++
	times := l.asked[body]
	l.mutex.Unlock()
	return l.answer(body, times)
}

func (l *transactionListener) counts() map[string]int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	counts := map[string]int{}
	for body, count := range l.asked {
		counts[body] = count
	}
	return counts
}

func listener(local func(string) primitive.LocalTransactionState, answer func(string, int) primitive.LocalTransactionState) *transactionListener {
	return &transactionListener{local: local, answer: answer, asked: map[string]int{}}
}

func always(state primitive.LocalTransactionState) func(string) primitive.LocalTransactionState {
	return func(string) primitive.LocalTransactionState { return state }
}

func (c *scenarioContext) transactionProducer(l *transactionListener) rocketmq.TransactionProducer {
	started, err := rocketmq.NewTransactionProducer(l,
		producer.WithNameServer([]string{c.namesrvAddr}),
		producer.WithInstanceName(c.instance()),
		producer.WithGroupName(c.group("producer")),
	)
	c.must(err, "new transaction producer")
	c.must(started.Start(), "start transaction producer")
	c.onClose(started.Shutdown)
	return started
}

func (c *scenarioContext) sendTransaction(p rocketmq.TransactionProducer, body string) error {
	message := primitive.NewMessage(c.topic(""), []byte(body))
	message.WithProperty("shade", "blue")
	_, err := p.SendMessageInTransaction(context.Background(), message)
	return err
}

func (c *scenarioContext) sendTransactions(p rocketmq.TransactionProducer, bodies []string) {
	for _, body := range bodies {
		c.must(c.sendTransaction(p, body), "send in transaction")
	}
	c.step("sent", "bodies", fmt.Sprint(bodies))
}

func transactionEnds(c *scenarioContext) {
	var committed []string
	l := listener(func(body string) primitive.LocalTransactionState {
		if body[len(body)-1] == '3' {
			return rollback
		}
		committed = append(committed, body)
		return commit
	}, func(string, int) primitive.LocalTransactionState { return rollback })
	c.sendTransactions(c.transactionProducer(l), bodies(0, 20))
	var got received
	c.consume(c.group("consumer"), c.topic(""), "*", got.handle)
	got.awaitExactly(c, "the consumer", committed)
	for _, message := range got.all() {
		c.checkEquals("blue", message.GetProperty("shade"), "a property")
		c.checkEquals(c.topic(""), message.Topic, "the topic")
	}
	c.checkEquals(map[string]int{}, l.counts(), "what the producer was asked about")
}

// transactionChecks: who does not know is asked, again until it does.
func transactionChecks(c *scenarioContext) {
	l := listener(always(unknown), func(body string, times int) primitive.LocalTransactionState {
		switch {
		case body == "m-1" && times == 1:
			return unknown
		case body == "m-2":
			return rollback
		}
		return commit
	})
	c.sendTransactions(c.transactionProducer(l), bodies(0, 4))
	var got received
	c.consume(c.group("consumer"), c.topic(""), "*", got.handle)
	got.awaitExactly(c, "the consumer", []string{"m-0", "m-1", "m-3"})
	c.checkEquals(map[string]int{"m-0": 1, "m-1": 2, "m-2": 1, "m-3": 1}, l.counts(), "checks")
}

// transactionOtherProducer: a producer that has gone is stood in for by another one of its group.
func transactionOtherProducer(c *scenarioContext) {
	first := c.transactionProducer(listener(always(unknown), func(string, int) primitive.LocalTransactionState { return unknown }))
	c.sendTransactions(first, bodies(0, 3))
	c.must(first.Shutdown(), "shutdown")
	standIn := listener(always(commit), func(body string, _ int) primitive.LocalTransactionState {
		if body == "m-1" {
			return rollback
		}
		return commit
	})
	// This client tells brokers of itself only once it has sent something to them.
	c.sendTransactions(c.transactionProducer(standIn), []string{"own"})
	var got received
	c.consume(c.group("consumer"), c.topic(""), "*", got.handle)
	got.awaitExactly(c, "the consumer", []string{"m-0", "m-2", "own"})
	counts := standIn.counts()
	c.check(counts["m-0"] > 0 && counts["m-1"] > 0 && counts["m-2"] > 0, "the other producer was asked about %v", counts)
}

// transactionServerRestart: the server comes back between a message and what becomes of it.
func transactionServerRestart(c *scenarioContext, mode string) {
	outcome := func(body string) primitive.LocalTransactionState {
		if body == "m-3" {
			return rollback
		}
		return commit
	}
	l := listener(func(body string) primitive.LocalTransactionState {
		if body == "m-1" {
			return unknown
		}
		if body == "m-2" {
			c.restartServer(mode)
		}
		return outcome(body)
	}, func(body string, _ int) primitive.LocalTransactionState { return outcome(body) })
	p := c.transactionProducer(l)
	c.sendTransactions(p, bodies(0, 3))
	var got received
	c.consume(c.group("consumer"), c.topic(""), "*", got.handle)
	c.eventually("sends succeed again", soon, func() bool { return c.sendTransaction(p, "m-3") == nil })
	// This client tells a server that is new of itself within 30 s.
	c.eventually("the consumer gets 3 messages", recoveryLimit, func() bool { return got.count() >= 3 })
	c.must(c.sendTransaction(p, "m-4"), "send in transaction")
	got.awaitExactly(c, "the consumer", []string{"m-0", "m-1", "m-2", "m-4"})
}
