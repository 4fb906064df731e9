package interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.heartbeat.MessageModel;

/** Push consumers with a concurrent listener. */
final class PushScenarios {
    private static final int COUNT = 40;
    /** Far below the 20 s after which a client rebalances by itself. */
    private static final Duration REBALANCE_LIMIT = Duration.ofSeconds(5);
    private static final long LATENCY_MILLIS_MAX = 200;

    private PushScenarios() {
    }

    /** Two consumers divide the queues; when one leaves, the other takes over at once. */
    static void sharedQueues(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        Wire wire = new Wire();
        Received first = new Received();
        DefaultMQPushConsumer firstConsumer = context.start(context.consumer(context.group("a"), topic, "*", wire), first);
        first.awaitExactly(context, "the only consumer", Context.bodies(0, COUNT));
        commit(context, producer, firstConsumer);

        int notified = wire.count(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED);
        Received second = new Received();
        DefaultMQPushConsumer secondConsumer = context.start(context.consumer(context.group("a"), topic, "*"), second);
        long joinMillis = context.eventually("both consumers have two queues", REBALANCE_LIMIT,
            () -> Context.queuesOf(firstConsumer, topic).size() == 2 && Context.queuesOf(secondConsumer, topic).size() == 2);
        context.check(wire.count(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED) > notified,
            "the broker did not send NOTIFY_CONSUMER_IDS_CHANGED when a consumer joined");
        Set<MessageQueue> queues = new HashSet<>(Context.queuesOf(firstConsumer, topic));
        queues.addAll(Context.queuesOf(secondConsumer, topic));
        context.checkEquals(4, queues.size(), "queues that somebody consumes");

        context.send(producer, topic, COUNT, COUNT * 3);
        context.eventually("both consumers together get the rest", () -> first.count() + second.count() >= COUNT * 3);
        List<String> all = new ArrayList<>(first.bodies());
        all.addAll(second.bodies());
        context.checkEquals(new HashSet<>(Context.bodies(0, COUNT * 3)), new HashSet<>(all), "what both got");
        context.checkEquals(COUNT * 3, all.size(), "messages of both, duplicates counted");
        context.checkEquals(COUNT, second.count(), "messages of the second consumer");
        firstConsumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        commit(context, producer, secondConsumer);

        notified = wire.count(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED);
        secondConsumer.shutdown();
        long leaveMillis = context.eventually("the first consumer has all queues", REBALANCE_LIMIT,
            () -> Context.queuesOf(firstConsumer, topic).size() == 4);
        context.check(wire.count(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED) > notified,
            "the broker did not send NOTIFY_CONSUMER_IDS_CHANGED when a consumer left");
        int before = first.count();
        context.send(producer, topic, COUNT * 3, COUNT * 4);
        context.eventually("the first consumer gets all that follows", () -> first.count() >= before + COUNT);
        context.checkEquals(before + COUNT, first.count(), "messages of the first consumer");
        context.note("rebalanced in " + joinMillis + " ms after the join, " + leaveMillis + " ms after the leave");
    }

    static void broadcast(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        Received first = new Received();
        Received second = new Received();
        for (Received received : List.of(first, second)) {
            DefaultMQPushConsumer consumer = context.consumer(context.group("a"), topic, "*");
            consumer.setMessageModel(MessageModel.BROADCASTING);
            context.start(consumer, received);
        }
        first.awaitExactly(context, "the first consumer", Context.bodies(0, COUNT));
        second.awaitExactly(context, "the second consumer", Context.bodies(0, COUNT));
        context.send(producer, topic, COUNT, COUNT * 2);
        first.awaitExactly(context, "the first consumer", Context.bodies(0, COUNT * 2));
        second.awaitExactly(context, "the second consumer", Context.bodies(0, COUNT * 2));
    }

    /** The broker, not only the client, leaves out what does not match. */
    static void tags(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<String> aOrB = new ArrayList<>();
        String[] tags = {"C", "A", null, "B"};
        // One queue, and the last message matches: when it has come, nothing that precedes it is still under way.
        MessageQueue queue = producer.send(new Message(topic, "C", "c-first".getBytes())).getMessageQueue();
        for (int i = 0; i < COUNT; i++) {
            Message message = Context.message(topic, "m-" + i);
            message.setTags(tags[i % tags.length]);
            if (i % 2 == 1) {
                aOrB.add("m-" + i);
            }
            producer.send(message, queue);
        }
        Wire wire = new Wire();
        Received some = new Received();
        Received all = new Received();
        context.start(context.consumer(context.group("some"), topic, "A || B", wire), some);
        context.start(context.consumer(context.group("all"), topic, "*"), all);
        some.awaitExactly(context, "A || B", aOrB);
        context.eventually("* gets all", () -> all.count() == COUNT + 1);
        Set<String> pulled = new HashSet<>();
        for (MessageExt message : wire.pulled()) {
            pulled.add(String.valueOf(message.getTags()));
        }
        context.checkEquals(Set.of("A", "B"), pulled, "tags of the messages that the broker sent for A || B");
    }

    /** A consumer that comes back continues exactly where it was. */
    static void consumerRestart(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        for (int round = 0; round < 3; round++) {
            Received received = new Received();
            DefaultMQPushConsumer consumer = context.start(context.consumer(context.group("a"), topic, "*"), received);
            received.awaitExactly(context, "consumer " + round, Context.bodies(COUNT * round, COUNT * (round + 1)));
            consumer.shutdown();
            context.checkEquals(Context.maxOffsets(producer, topic), Context.committed(producer, context.group("a"), topic),
                "consumer offsets in the broker");
            context.send(producer, topic, COUNT * (round + 1), COUNT * (round + 2));
        }
    }

    /** RECONSUME_LATER brings the message back through %RETRY%, after the delay that the listener asked for. */
    static void retry(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, 1);
        // The first heartbeat of a group makes its retry topic; a client that starts before would learn of it in 30 s.
        Received warmUp = new Received();
        DefaultMQPushConsumer earlier = context.start(context.consumer(context.group("a"), topic, "*"), warmUp);
        warmUp.awaitExactly(context, "the first consumer", Context.bodies(0, 1));
        earlier.shutdown();

        Map<String, Long> refusedAt = new ConcurrentHashMap<>();
        Received received = new Received() {
            @Override
            public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext consume) {
                super.consumeMessage(batch, consume);
                MessageExt message = batch.get(0);
                if (!Received.body(message).equals("m-2") || message.getReconsumeTimes() > 0) {
                    return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                }
                refusedAt.put(message.getMsgId(), System.currentTimeMillis());
                consume.setDelayLevelWhenNextConsume(1);
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
        };
        context.start(context.consumer(context.group("a"), topic, "*"), received);
        context.send(producer, topic, 1, 4);
        context.eventually("three messages, one of them twice", () -> received.count() == 4);
        List<MessageExt> copies = received.messages().stream().filter(copy -> Received.body(copy).equals("m-2")).toList();
        context.checkEquals(2, copies.size(), "copies of m-2");
        MessageExt original = copies.get(0);
        MessageExt again = copies.get(1);
        context.checkEquals(0, original.getReconsumeTimes(), "reconsumeTimes at first");
        context.checkEquals(1, again.getReconsumeTimes(), "reconsumeTimes again");
        context.checkEquals(topic, again.getTopic(), "topic again");
        context.checkEquals(topic, again.getProperty(MessageConst.PROPERTY_RETRY_TOPIC), "property RETRY_TOPIC");
        context.checkEquals(original.getMsgId(), again.getMsgId(), "msgId again");
        long millis = again.getStoreTimestamp() - refusedAt.get(original.getMsgId());
        context.check(millis >= 900 && millis < 5000, "delay level 1 took " + millis + " ms");
        context.note("delay level 1 took " + millis + " ms");
    }

    /** A parked pull is answered as soon as a message is there. */
    static void latency(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        Map<String, Long> sentAt = new ConcurrentHashMap<>();
        List<Long> micros = new ArrayList<>();
        Received received = new Received() {
            @Override
            synchronized void add(List<MessageExt> batch) {
                long now = System.nanoTime();
                super.add(batch);
                micros.add((now - sentAt.get(Received.body(batch.get(0)))) / 1000);
            }
        };
        int warmUpCount = 20;
        Random random = new Random(1);
        for (int i = 0; i < warmUpCount + 50; i++) {
            sentAt.put("m-" + i, System.nanoTime());
            producer.send(Context.message(topic, "m-" + i));
            if (i == 0) {
                context.start(context.consumer(context.group("a"), topic, "*"), received);
            }
            int expected = i + 1;
            context.eventually("m-" + i + " arrives", () -> received.count() == expected);
            // The gap is the scenario: the consumer has parked its pulls again when the next message is sent.
            Thread.sleep(30 + random.nextInt(40));
        }
        List<Long> sorted = micros.subList(warmUpCount, micros.size()).stream().sorted().toList();
        double p50 = sorted.get(sorted.size() / 2) / 1000.0;
        double max = sorted.get(sorted.size() - 1) / 1000.0;
        context.check(max < LATENCY_MILLIS_MAX, String.format("p50 %.1f ms, max %.1f ms", p50, max));
        context.note(String.format("p50 %.1f ms, max %.1f ms", p50, max));
    }

    /** Sends a consumer's offsets to the broker, as it does every five seconds, and waits until they are there. */
    private static void commit(Context context, DefaultMQProducer producer, DefaultMQPushConsumer consumer)
        throws Exception {
        consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        context.eventually("the broker has the consumer offsets",
            () -> Context.committed(producer, context.group("a"), context.topic())
                .equals(Context.maxOffsets(producer, context.topic())));
    }
}
