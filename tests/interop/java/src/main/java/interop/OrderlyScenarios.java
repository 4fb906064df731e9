package interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Push consumers with an orderly listener. */
final class OrderlyScenarios {
    private static final int KEY_COUNT = 8;
    private static final int PER_KEY = 25;
    private static final Duration REBALANCE_LIMIT = Duration.ofSeconds(5);

    private OrderlyScenarios() {
    }

    /** One call of a listener. */
    private record Call(String consumer, int queueId, long queueOffset, String body, long startNanos, long endNanos) {
        String key() {
            return body.substring(0, body.indexOf('/'));
        }

        int number() {
            return Integer.parseInt(body.substring(body.indexOf('/') + 1));
        }
    }

    /** Notes each call, and stays in it for a moment, so that an overlap would show. */
    private record Listener(String consumer, ConcurrentLinkedQueue<Call> calls) implements MessageListenerOrderly {
        @Override
        public ConsumeOrderlyStatus consumeMessage(List<MessageExt> batch, ConsumeOrderlyContext context) {
            long start = System.nanoTime();
            try {
                Thread.sleep(2);
            } catch (InterruptedException error) {
                return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            }
            for (MessageExt message : batch) {
                calls.add(new Call(consumer, message.getQueueId(), message.getQueueOffset(), Received.body(message), start,
                    System.nanoTime()));
            }
            return ConsumeOrderlyStatus.SUCCESS;
        }
    }

    /** All messages of a key go into one queue, and are consumed in the order in which they were sent. */
    static void order(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        send(context, producer, 0, PER_KEY);
        ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
        start(context, "only", calls);
        context.eventually("all messages arrive", () -> calls.size() == KEY_COUNT * PER_KEY);
        Map<String, List<Integer>> numbers = calls.stream().collect(
            Collectors.groupingBy(Call::key, Collectors.mapping(Call::number, Collectors.toList())));
        List<Integer> expected = java.util.stream.IntStream.range(0, PER_KEY).boxed().toList();
        context.checkEquals(KEY_COUNT, numbers.size(), "keys");
        numbers.forEach((key, found) -> context.checkEquals(expected, found, "order of " + key));
    }

    /** No queue is ever consumed by two consumers at a time, also while one joins and while one leaves. */
    static void locks(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
        send(context, producer, 0, PER_KEY);
        DefaultMQPushConsumer first = start(context, "first", calls);
        context.eventually("the first consumer is at work", () -> calls.size() > KEY_COUNT);

        DefaultMQPushConsumer second = start(context, "second", calls);
        long joinMillis = context.eventually("both consumers have locked two queues", Duration.ofSeconds(30),
            () -> Context.queuesOf(first, topic).size() == 2 && Context.queuesOf(second, topic).size() == 2);
        MessageQueue foreign = Context.queuesOf(first, topic).get(0);
        context.check(!second.getDefaultMQPushConsumerImpl().getRebalanceImpl().lock(foreign),
            "the broker let two consumers lock queue " + foreign.getQueueId());
        send(context, producer, PER_KEY, PER_KEY * 2);
        context.eventually("the second consumer is at work",
            () -> calls.stream().filter(call -> call.consumer().equals("second")).count() > KEY_COUNT);

        first.shutdown();
        long leaveMillis = context.eventually("the second consumer has locked all queues", REBALANCE_LIMIT,
            () -> Context.queuesOf(second, topic).size() == 4);
        context.eventually("all messages arrive",
            () -> calls.stream().map(Call::body).distinct().count() == KEY_COUNT * PER_KEY * 2);
        checkNoOverlap(context, new ArrayList<>(calls));
        checkOrder(context, new ArrayList<>(calls));
        context.note("locks moved in " + joinMillis + " ms at the join, " + leaveMillis + " ms at the leave");
    }

    /** Two consumers share the queues while the server stops and comes back, and one of them leaves: no gap, no overtaking. */
    static void serverRestart(Context context, String mode) throws Exception {
        DefaultMQProducer producer = context.producer();
        producer.setRetryTimesWhenSendFailed(0);
        ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
        send(context, producer, 0, PER_KEY);
        DefaultMQPushConsumer first = start(context, "first", calls);
        DefaultMQPushConsumer second = start(context, "second", calls);
        context.eventually("both consumers have locked two queues",
            () -> Context.queuesOf(first, context.topic()).size() == 2
                && Context.queuesOf(second, context.topic()).size() == 2);
        context.eventually("the consumers are at work", () -> calls.size() > KEY_COUNT);
        context.restartServer(mode);
        context.eventually("sends succeed again", Duration.ofSeconds(60), () -> {
            // What is sent again comes behind: the order of a key is that of its queue.
            send(context, producer, PER_KEY, PER_KEY * 2);
            return true;
        });
        context.eventually("the consumers go on", Duration.ofSeconds(60),
            () -> distinct(calls) > KEY_COUNT * PER_KEY);
        first.shutdown();
        context.eventually("all messages arrive", Duration.ofSeconds(90),
            () -> distinct(calls) == KEY_COUNT * PER_KEY * 2);
        checkNoOverlap(context, new ArrayList<>(calls));
        checkOrder(context, new ArrayList<>(calls));
    }

    private static long distinct(ConcurrentLinkedQueue<Call> calls) {
        return calls.stream().map(Call::body).distinct().count();
    }

    private static void send(Context context, DefaultMQProducer producer, int from, int to) throws Exception {
        for (int number = from; number < to; number++) {
            for (int key = 0; key < KEY_COUNT; key++) {
                producer.send(Context.message(context.topic(), "key" + key + "/" + number), new SelectMessageQueueByHash(),
                    key);
            }
        }
        context.step("sent", "keys", KEY_COUNT, "from", from, "to", to);
    }

    private static DefaultMQPushConsumer start(Context context, String name, ConcurrentLinkedQueue<Call> calls)
        throws Exception {
        DefaultMQPushConsumer consumer = context.consumer(context.group("a"), context.topic(), "*");
        consumer.registerMessageListener(new Listener(name, calls));
        return context.start(consumer);
    }

    private static void checkNoOverlap(Context context, List<Call> calls) {
        calls.stream().collect(Collectors.groupingBy(Call::queueId)).forEach((queueId, ofQueue) -> {
            ofQueue.sort(Comparator.comparingLong(Call::startNanos));
            for (int i = 1; i < ofQueue.size(); i++) {
                Call before = ofQueue.get(i - 1);
                Call after = ofQueue.get(i);
                context.check(before.endNanos() <= after.startNanos() || before.consumer().equals(after.consumer()),
                    "queue " + queueId + " was consumed by two at a time: " + before + ", " + after);
            }
        });
    }

    /** Repetitions may follow a change of the consumer, but no gap: a number first comes after its predecessor. */
    private static void checkOrder(Context context, List<Call> calls) {
        Map<Integer, Long> next = new HashMap<>();
        calls.sort(Comparator.comparingLong(Call::startNanos));
        for (Call call : calls) {
            long expected = next.getOrDefault(call.queueId(), 0L);
            context.check(call.queueOffset() <= expected,
                "queue " + call.queueId() + ": " + expected + " was due, " + call.queueOffset() + " came");
            next.put(call.queueId(), Math.max(expected, call.queueOffset() + 1));
        }
    }
}
