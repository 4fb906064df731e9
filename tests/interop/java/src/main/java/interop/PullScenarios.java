package interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Consumers that fetch by themselves. */
final class PullScenarios {
    private static final int COUNT = 40;

    private PullScenarios() {
    }

    /** assign, seek, poll, commit; and a successor that goes on from what was committed. */
    static void liteAssign(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        DefaultLitePullConsumer consumer = start(context, lite(context));
        Collection<MessageQueue> queues = consumer.fetchMessageQueues(topic);
        context.checkEquals(4, queues.size(), "queues");
        MessageQueue queue = queues.iterator().next();
        long maxOffset = producer.maxOffset(queue);
        consumer.assign(List.of(queue));
        // The client's first pull has to be over: one that a seek overtakes may still hand out what it found.
        poll(context, consumer, maxOffset);
        consumer.seek(queue, 3);
        List<MessageExt> polled = poll(context, consumer, maxOffset - 3);
        context.checkEquals(3L, polled.get(0).getQueueOffset(), "queueOffset after seek(3)");
        consumer.seekToBegin(queue);
        polled = poll(context, consumer, maxOffset);
        context.checkEquals(0L, polled.get(0).getQueueOffset(), "queueOffset after seekToBegin");
        consumer.commit(Map.of(queue, 5L), true);
        context.eventually("offset 5 is committed",
            () -> Context.committed(producer, context.group("a"), topic).get(queue.getQueueId()) == 5);
        consumer.shutdown();

        DefaultLitePullConsumer successor = start(context, lite(context));
        successor.assign(List.of(queue));
        context.checkEquals(5L, successor.committed(queue), "committed offset");
        polled = poll(context, successor, maxOffset - 5);
        context.checkEquals(5L, polled.get(0).getQueueOffset(), "queueOffset of the successor");
        successor.commit(Set.of(queue), true);
        context.eventually("all is committed",
            () -> Context.committed(producer, context.group("a"), topic).get(queue.getQueueId()) == maxOffset);
        successor.seekToEnd(queue);
        context.send(producer, topic, COUNT, COUNT + 4);
        polled = poll(context, successor, 1);
        context.checkEquals(maxOffset, polled.get(0).getQueueOffset(), "queueOffset after seekToEnd");
    }

    /** Two lite consumers of a group divide the queues. */
    static void liteSubscribe(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        List<DefaultLitePullConsumer> consumers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            DefaultLitePullConsumer consumer = lite(context);
            consumer.subscribe(topic, "*");
            consumers.add(start(context, consumer));
        }
        context.eventually("both consumers have two queues", () -> consumers.get(0).assignment().size() == 2
            && consumers.get(1).assignment().size() == 2);
        List<String> bodies = new ArrayList<>();
        context.eventually("all messages arrive", () -> {
            for (DefaultLitePullConsumer consumer : consumers) {
                consumer.poll(100).forEach(message -> bodies.add(Received.body(message)));
            }
            return new HashSet<>(bodies).size() == COUNT;
        });
        for (DefaultLitePullConsumer consumer : consumers) {
            consumer.commit(consumer.assignment(), true);
        }
        context.eventually("all is committed", () -> Context.committed(producer, context.group("a"), topic)
            .equals(Context.maxOffsets(producer, topic)));
    }

    /** Every answer that a pull can get; offsets kept in the broker by the caller. */
    static void pull(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        DefaultMQPullConsumer consumer = puller(context, context.group("a"));
        Set<MessageQueue> queues = consumer.fetchSubscribeMessageQueues(topic);
        List<String> bodies = new ArrayList<>();
        for (MessageQueue queue : queues) {
            long offset = 0;
            PullResult result = consumer.pull(queue, "*", offset, 3);
            while (result.getPullStatus() == PullStatus.FOUND) {
                context.check(result.getMsgFoundList().size() <= 3, "more messages than maxNums");
                result.getMsgFoundList().forEach(message -> bodies.add(Received.body(message)));
                offset = result.getNextBeginOffset();
                result = consumer.pull(queue, "*", offset, 3);
            }
            context.checkEquals(PullStatus.NO_NEW_MSG, result.getPullStatus(), "status at the end of a queue");
            context.checkEquals(producer.maxOffset(queue), offset, "offset at the end of a queue");
            context.checkEquals(offset, result.getMaxOffset(), "maxOffset in the answer");
            consumer.getOffsetStore().updateConsumeOffsetToBroker(queue, offset, false);
        }
        context.checkEquals(Context.bodies(0, COUNT).stream().sorted().toList(), bodies.stream().sorted().toList(),
            "what was pulled");
        context.checkEquals(Context.maxOffsets(producer, topic), Context.committed(producer, context.group("a"), topic),
            "consumer offsets in the broker");

        MessageQueue queue = queues.iterator().next();
        long maxOffset = producer.maxOffset(queue);
        PullResult beyond = consumer.pull(queue, "*", maxOffset + 100, 32);
        context.checkEquals(PullStatus.OFFSET_ILLEGAL, beyond.getPullStatus(), "status beyond the end of a queue");
        context.checkEquals(maxOffset, beyond.getNextBeginOffset(), "nextBeginOffset beyond the end of a queue");
        PullResult noMatch = consumer.pull(queue, "no-such-tag", 0, 32);
        context.checkEquals(PullStatus.NO_MATCHED_MSG, noMatch.getPullStatus(), "status with a tag that nothing has");

        CompletableFuture<PullResult> parked = CompletableFuture.supplyAsync(() -> {
            try {
                return consumer.pullBlockIfNotFound(queue, "*", maxOffset, 32);
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        });
        context.check(isParked(parked), "a pull at the end of a queue was answered at once");
        long sentAt = System.nanoTime();
        producer.send(Context.message(topic, "wakes"), queue);
        PullResult woken = parked.get(10, TimeUnit.SECONDS);
        long millis = (System.nanoTime() - sentAt) / 1_000_000;
        context.checkEquals(PullStatus.FOUND, woken.getPullStatus(), "status of the parked pull");
        context.checkEquals("wakes", Received.body(woken.getMsgFoundList().get(0)), "what woke the parked pull");
        context.check(millis < 1000, "the parked pull was woken after " + millis + " ms");
    }

    private static boolean isParked(CompletableFuture<PullResult> pull) throws Exception {
        try {
            pull.get(300, TimeUnit.MILLISECONDS);
            return false;
        } catch (java.util.concurrent.TimeoutException stillWaiting) {
            return true;
        }
    }

    private static DefaultMQPullConsumer puller(Context context, String group) throws Exception {
        DefaultMQPullConsumer consumer = context.connect(new DefaultMQPullConsumer(group));
        consumer.start();
        context.onClose(consumer::shutdown);
        return consumer;
    }

    private static DefaultLitePullConsumer lite(Context context) {
        DefaultLitePullConsumer consumer = context.connect(new DefaultLitePullConsumer(context.group("a")));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(false);
        return consumer;
    }

    private static DefaultLitePullConsumer start(Context context, DefaultLitePullConsumer consumer) throws Exception {
        consumer.start();
        context.onClose(consumer::shutdown);
        return consumer;
    }

    /** Polls until that many messages came. */
    private static List<MessageExt> poll(Context context, DefaultLitePullConsumer consumer, long count)
        throws Exception {
        List<MessageExt> messages = new ArrayList<>();
        context.eventually(count + " messages can be polled", Duration.ofSeconds(20), () -> {
            messages.addAll(consumer.poll(100));
            return messages.size() >= count;
        });
        context.checkEquals((int) count, messages.size(), "polled messages");
        return messages;
    }
}
