package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Finding messages again: by key, by both ids, by time. */
final class QueryScenarios {
    private static final int COUNT = 10;

    private QueryScenarios() {
    }

    static void keysAndIds(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<SendResult> results = new ArrayList<>();
        long begin = System.currentTimeMillis();
        for (int i = 0; i < COUNT; i++) {
            Message message = Context.message(topic, "m-" + i);
            message.setKeys(List.of("own-" + i, "half-" + i % 2));
            message.putUserProperty("number", String.valueOf(i));
            results.add(producer.send(message));
        }
        SendResult third = results.get(3);
        long from = begin - 1000;
        long to = begin + 60_000;
        context.eventually("the index has the last message", () -> query(producer, topic, "own-9", from, to).size() == 1);
        context.checkEquals(Set.of("m-3"), query(producer, topic, "own-3", from, to), "found by a key of its own");
        context.checkEquals(Set.of("m-1", "m-3", "m-5", "m-7", "m-9"), query(producer, topic, "half-1", from, to),
            "found by a key that five share");
        context.checkEquals(2, producer.queryMessage(topic, "half-1", 2, from, to).getMessageList().size(),
            "found with maxNum 2");
        checkNotFound(context, "a key that nothing has", () -> query(producer, topic, "own-99", from, to));
        checkNotFound(context, "a key in another topic", () -> query(producer, context.topic("none"), "own-3", from, to));
        checkNotFound(context, "a time before", () -> query(producer, topic, "own-3", begin - 120_000, begin - 60_000));

        for (String id : List.of(third.getMsgId(), third.getOffsetMsgId())) {
            MessageExt message = producer.viewMessage(topic, id);
            context.checkEquals("m-3", Received.body(message), "body by " + id);
            context.checkEquals(third.getMsgId(), message.getMsgId(), "msgId by " + id);
            context.checkEquals(third.getQueueOffset(), message.getQueueOffset(), "queueOffset by " + id);
            context.checkEquals(third.getMessageQueue().getQueueId(), message.getQueueId(), "queueId by " + id);
            context.checkEquals("own-3 half-1", message.getKeys(), "keys by " + id);
            context.checkEquals("3", message.getUserProperty("number"), "property by " + id);
        }
        String absent = third.getOffsetMsgId().substring(0, 16) + "00FFFFFFFFFFFFFF";
        checkNotFound(context, "an offsetMsgId beyond the commit log", () -> producer.viewMessage(topic, absent));
    }

    static void offsetsByTime(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        MessageQueue queue = producer.send(Context.message(topic, "m-0")).getMessageQueue();
        List<Long> storeTimestamps = new ArrayList<>();
        for (int i = 1; i <= COUNT; i++) {
            // Later by some milliseconds, so that each time belongs to one message.
            long last = System.currentTimeMillis();
            context.eventually("the clock moves", () -> System.currentTimeMillis() > last + 4);
            SendResult result = producer.send(Context.message(topic, "m-" + i), queue);
            storeTimestamps.add(producer.viewMessage(topic, result.getOffsetMsgId()).getStoreTimestamp());
        }
        context.checkEquals(0L, producer.minOffset(queue), "minOffset");
        context.checkEquals(COUNT + 1L, producer.maxOffset(queue), "maxOffset");
        for (int i = 0; i < COUNT; i++) {
            long time = storeTimestamps.get(i);
            context.checkEquals(i + 1L, producer.searchOffset(queue, time), "offset at the time of message " + (i + 1));
            context.checkEquals(i + 1L, producer.searchOffset(queue, time - 1), "offset just before message " + (i + 1));
        }
        context.checkEquals(0L, producer.searchOffset(queue, 1000), "offset in 1970");
        long later = storeTimestamps.get(COUNT - 1) + 60_000;
        context.checkEquals(COUNT + 1L, producer.searchOffset(queue, later), "offset in a minute");
        long earliest = producer.earliestMsgStoreTime(queue);
        context.check(earliest > storeTimestamps.get(0) - 60_000 && earliest < storeTimestamps.get(0),
            "earliestMsgStoreTime is " + earliest + ", the second message came at " + storeTimestamps.get(0));
    }

    private static Set<String> query(DefaultMQProducer producer, String topic, String key, long from, long to)
        throws Exception {
        return producer.queryMessage(topic, key, 32, from, to).getMessageList().stream().map(Received::body)
            .collect(Collectors.toSet());
    }

    private static void checkNotFound(Context context, String what, Callable<?> query) throws Exception {
        try {
            context.check(false, what + " found " + query.call());
        } catch (MQClientException expected) {
            context.step("not found", "what", what, "error", expected.getErrorMessage());
        }
    }
}
