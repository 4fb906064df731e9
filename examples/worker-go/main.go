// A worker: takes the messages of one topic, handles each, and sends what came of it to another topic.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const (
	tasks   = "Tasks"
	results = "Results"
	group   = "go-workers"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	rlog.SetLogLevel("error")
	servers := []string{"127.0.0.1:9876"}
	if address := os.Getenv("NAMESRV_ADDR"); address != "" {
		servers = strings.Split(address, ";")
	}
	sender, err := rocketmq.NewProducer(producer.WithNameServer(servers), producer.WithGroupName(group))
	if err != nil {
		return err
	}
	if err := sender.Start(); err != nil {
		return err
	}
	defer sender.Shutdown()
	worker, err := rocketmq.NewPushConsumer(
		consumer.WithNameServer(servers),
		consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
	if err != nil {
		return err
	}
	handle := func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			result := primitive.NewMessage(results, []byte(strings.ToUpper(string(message.Body))))
			result.WithKeys([]string{message.GetKeys()})
			if _, err := sender.SendSync(ctx, result); err != nil {
				// The message comes again later.
				return consumer.ConsumeRetryLater, nil
			}
		}
		return consumer.ConsumeSuccess, nil
	}
	if err := worker.Subscribe(tasks, consumer.MessageSelector{}, handle); err != nil {
		return err
	}
	if err := worker.Start(); err != nil {
		return err
	}
	defer worker.Shutdown()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	return nil
}
