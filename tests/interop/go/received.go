package main

import (
	"context"
	"fmt"
	"sort"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// A handler is what a push consumer calls.
type handler = func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)

// received are the messages that a consumer got, in order of arrival.
type received struct {
	mutex    sync.Mutex
	messages []*primitive.MessageExt
}

func (r *received) handle(_ context.Context, batch ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	r.add(batch...)
	return consumer.ConsumeSuccess, nil
}

func (r *received) add(batch ...*primitive.MessageExt) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.messages = append(r.messages, batch...)
}

func (r *received) all() []*primitive.MessageExt {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]*primitive.MessageExt(nil), r.messages...)
}

func (r *received) count() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.messages)
}

// counts says how often each body came.
func (r *received) counts() map[string]int {
	counts := map[string]int{}
	for _, message := range r.all() {
		counts[string(message.Body)]++
	}
	return counts
}

// has says whether all these bodies came.
func (r *received) has(expected []string) bool {
	counts := r.counts()
	for _, body := range expected {
		if counts[body] == 0 {
			return false
		}
	}
	return true
}

// awaitExactly waits for these bodies, and fails when others came, or one of them twice.
func (r *received) awaitExactly(c *scenarioContext, who string, expected []string) {
	c.eventually(fmt.Sprintf("%s gets %d messages", who, len(expected)), soon, func() bool {
		return r.count() >= len(expected)
	})
	var found []string
	for _, message := range r.all() {
		found = append(found, string(message.Body))
	}
	c.checkEquals(sorted(expected), sorted(found), "what "+who+" got")
}

func sorted(values []string) []string {
	copied := append([]string(nil), values...)
	sort.Strings(copied)
	return copied
}
