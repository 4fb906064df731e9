package main

import (
	"fmt"
	"os"
	"sync"
)

// notificationLog keeps quiet, and counts the one thing that the client tells nowhere else: each time that the broker
// sent NOTIFY_CONSUMER_IDS_CHANGED. INTEROP_CLIENT_LOG=1 prints the rest on standard error.
type notificationLog struct {
	mutex         sync.Mutex
	notifications map[string]int
	verbose       bool
}

var clientLog = &notificationLog{notifications: map[string]int{}, verbose: os.Getenv("INTEROP_CLIENT_LOG") != ""}

func (l *notificationLog) Info(message string, fields map[string]interface{}) {
	if message == "receive broker's notification to consumer group" {
		l.mutex.Lock()
		l.notifications[fmt.Sprint(fields["consumerGroup"])]++
		l.mutex.Unlock()
	}
	l.print("INFO", message, fields)
}

func (l *notificationLog) notified(group string) int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.notifications[group]
}

func (l *notificationLog) Debug(string, map[string]interface{}) {}

func (l *notificationLog) Warning(message string, fields map[string]interface{}) {
	l.print("WARN", message, fields)
}

func (l *notificationLog) Error(message string, fields map[string]interface{}) {
	l.print("ERROR", message, fields)
}

func (l *notificationLog) Fatal(message string, fields map[string]interface{}) {
	l.print("FATAL", message, fields)
}

func (l *notificationLog) Level(string) {}

func (l *notificationLog) OutputPath(string) error { return nil }

func (l *notificationLog) print(level, message string, fields map[string]interface{}) {
	if l.verbose {
		fmt.Fprintln(os.Stderr, level, message, fields)
	}
}
