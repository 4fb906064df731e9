package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Producers. The topics do not exist before: the first send creates them.

const (
	count = 40
	// What a producer makes of a topic that it creates; the broker's default may be higher.
	queueCount = 4
)

func syncSend(c *scenarioContext) {
	results := c.send(c.producer(), c.topic(""), 0, count)
	checkResults(c, results)
}

func asyncSend(c *scenarioContext) {
	p := c.producer()
	var mutex sync.Mutex
	var results []*primitive.SendResult
	var errors []error
	for _, body := range bodies(0, count) {
		message := primitive.NewMessage(c.topic(""), []byte(body))
		err := p.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				errors = append(errors, err)
			} else {
				results = append(results, result)
			}
		}, message)
		c.must(err, "send "+body)
	}
	c.eventually("every send is answered", soon, func() bool {
		mutex.Lock()
		defer mutex.Unlock()
		return len(results)+len(errors) == count
	})
	c.check(len(errors) == 0, "sends failed: %v", errors)
	checkResults(c, results)
}

func onewaySend(c *scenarioContext) {
	p := c.producer()
	for _, body := range bodies(0, count) {
		c.must(p.SendOneWay(context.Background(), primitive.NewMessage(c.topic(""), []byte(body))), "send "+body)
	}
	// The last message is a synchronous one: a consumer of this client does not start before its topic exists.
	c.send(p, c.topic(""), count, count+1)
	var got received
	c.consume(c.group("a"), c.topic(""), "*", got.handle)
	got.awaitExactly(c, "the consumer", bodies(0, count+1))
}

func batchSend(c *scenarioContext) {
	p := c.producer()
	var messages []*primitive.Message
	for _, body := range bodies(0, count) {
		messages = append(messages, primitive.NewMessage(c.topic(""), []byte(body)).WithTag("tag-"+body).WithKeys([]string{"key-" + body}))
	}
	result := c.sendOne(p, messages...)
	c.checkEquals(int64(0), result.QueueOffset, "queueOffset of the batch")
	offsetMsgIDs := strings.Split(result.OffsetMsgID, ",")
	c.checkEquals(count, len(offsetMsgIDs), "offsetMsgIds")

	var got received
	c.consume(c.group("a"), c.topic(""), "*", got.handle)
	got.awaitExactly(c, "the consumer", bodies(0, count))
	for _, message := range got.all() {
		body := string(message.Body)
		place, err := strconv.Atoi(strings.TrimPrefix(body, "m-"))
		c.must(err, "the number in "+body)
		c.checkEquals(int64(place), message.QueueOffset, "queueOffset of "+body)
		c.checkEquals(result.MessageQueue.QueueId, message.Queue.QueueId, "queueId of "+body)
		c.checkEquals(offsetMsgIDs[place], message.OffsetMsgId, "offsetMsgId of "+body)
		c.checkEquals("tag-"+body, message.GetTags(), "tags of "+body)
		c.checkEquals("key-"+body, message.GetKeys(), "keys of "+body)
	}
}

// contents sends 1 MiB that cannot be compressed, text that the client compresses, UTF-8 in every field, no tags.
func contents(c *scenarioContext) {
	p := c.producer(producer.WithCompressMsgBodyOverHowmuch(4096))
	large := make([]byte, 1024*1024)
	rand.New(rand.NewSource(1)).Read(large)
	text := []byte(strings.Repeat("RocketMQ compresses bodies from 4 KiB on. ", 2000))
	unicode := []byte("тело 消息 本文 ☃ 😀")
	c.sendOne(p, primitive.NewMessage(c.topic(""), large).WithKeys([]string{"large"}))
	c.sendOne(p, primitive.NewMessage(c.topic(""), text).WithKeys([]string{"text"}))
	message := primitive.NewMessage(c.topic(""), unicode).WithTag("метка").WithKeys([]string{"ключ", "鍵"})
	message.WithProperty("свойство", "значение ☃ 😀 \"quoted\" \\ back")
	message.Flag = 0x7FFF1234
	c.sendOne(p, message)

	var got received
	c.consume(c.group("a"), c.topic(""), "*", got.handle)
	c.eventually("three messages arrive", soon, func() bool { return got.count() == 3 })
	byKey := map[string]*primitive.MessageExt{}
	for _, found := range got.all() {
		byKey[found.GetKeys()] = found
	}
	c.check(byKey["large"] != nil && byKey["text"] != nil && byKey["ключ 鍵"] != nil, "keys arrived changed: %v", byKey)
	c.check(bytes.Equal(large, byKey["large"].Body), "the body of 1 MiB arrived changed")
	c.checkEquals("", byKey["large"].GetTags(), "tags of a message without")
	c.check(bytes.Equal(text, byKey["text"].Body), "the compressed body arrived changed")
	storeSize := int(byKey["text"].StoreSize)
	c.check(storeSize < len(text)/10, "the text takes %d bytes in the store", storeSize)
	found := byKey["ключ 鍵"]
	c.check(bytes.Equal(unicode, found.Body), "the UTF-8 body arrived changed")
	c.checkEquals("метка", found.GetTags(), "tags")
	c.checkEquals("значение ☃ 😀 \"quoted\" \\ back", found.GetProperty("свойство"), "property")
	c.checkEquals(int32(0x7FFF1234), found.Flag, "flag")
}

// checkResults wants ids of the right form, all different, and in each queue the offsets 0, 1, 2 …
func checkResults(c *scenarioContext, results []*primitive.SendResult) {
	form := regexp.MustCompile(`^[0-9A-Fa-f]{32}$`)
	msgIDs, offsetMsgIDs := map[string]bool{}, map[string]bool{}
	offsets := map[int][]int{}
	for _, result := range results {
		c.checkEquals(primitive.SendOK, result.Status, "sendStatus")
		c.check(form.MatchString(result.MsgID), "msgId is %s", result.MsgID)
		c.check(form.MatchString(result.OffsetMsgID), "offsetMsgId is %s", result.OffsetMsgID)
		msgIDs[result.MsgID] = true
		offsetMsgIDs[result.OffsetMsgID] = true
		queueID := result.MessageQueue.QueueId
		offsets[queueID] = append(offsets[queueID], int(result.QueueOffset))
	}
	c.checkEquals(len(results), len(msgIDs), "different msgIds")
	c.checkEquals(len(results), len(offsetMsgIDs), "different offsetMsgIds")
	c.checkEquals(queueCount, len(offsets), "queues")
	for queueID, found := range offsets {
		sort.Ints(found)
		for i, offset := range found {
			c.checkEquals(i, offset, fmt.Sprintf("queueOffset in queue %d", queueID))
		}
	}
}
