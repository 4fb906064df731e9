package interop;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.ResponseCode;

/** Messages with a time of delivery, and taking them back. */
final class TimerScenarios {
    private static final long LATE_MILLIS_MAX = 1_500;
    private static final long YEAR_MILLIS = 365L * 24 * 3_600 * 1_000;

    private TimerScenarios() {
    }

    /** Delays in milliseconds and seconds, and times: each comes at its time, in that order. */
    static void times(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        Map<String, Long> due = new HashMap<>();
        for (int i = 0; i < 30; i++) {
            Message message = Context.message(topic, "m-" + i);
            long delay = 1_500 + (i * 7) % 30 * 50;
            long before = System.currentTimeMillis();
            switch (i % 3) {
                case 0 -> message.setDelayTimeMs(delay);
                case 1 -> message.setDeliverTimeMs(before + delay);
                default -> message.setDelayTimeSec(2);
            }
            due.put("m-" + i, before + (i % 3 == 2 ? 2_000 : delay));
            sent(context, producer.send(message));
        }
        Received received = new Received();
        context.start(context.consumer(context.group("a"), topic, "*"), received);
        received.awaitExactly(context, "the consumer", new ArrayList<>(due.keySet()));
        long latest = 0;
        for (MessageExt message : received.messages()) {
            String body = Received.body(message);
            long late = message.getStoreTimestamp() - due.get(body);
            context.check(late >= 0, body + " came " + -late + " ms early");
            context.check(late <= LATE_MILLIS_MAX, body + " came " + late + " ms late");
            latest = Math.max(latest, late);
        }
        context.note("at most " + latest + " ms late");
    }

    /** What was taken back does not come, and the producer is told when it is too late for that. */
    static void recall(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<SendResult> results = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            Message message = Context.message(topic, "m-" + i);
            message.setDelayTimeMs(2_000);
            results.add(sent(context, producer.send(message)));
        }
        for (int i = 0; i < 10; i += 2) {
            String msgId = producer.recallMessage(topic, results.get(i).getRecallHandle());
            context.checkEquals(results.get(i).getMsgId(), msgId, "the message that was taken back");
        }
        Received received = new Received();
        context.start(context.consumer(context.group("a"), topic, "*"), received);
        received.awaitExactly(context, "the consumer", List.of("m-1", "m-3", "m-5", "m-7", "m-9"));
        int code = 0;
        try {
            producer.recallMessage(topic, results.get(1).getRecallHandle());
        } catch (MQBrokerException error) {
            code = error.getResponseCode();
        }
        context.checkEquals(ResponseCode.ILLEGAL_OPERATION, code, "the answer to a recall that comes too late");
    }

    /** A year is the limit. */
    static void limit(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        Message near = Context.message(topic, "near");
        near.setDelayTimeMs(YEAR_MILLIS - 60_000);
        SendResult result = sent(context, producer.send(near));
        producer.recallMessage(topic, result.getRecallHandle());
        Message far = Context.message(topic, "far");
        far.setDelayTimeMs(YEAR_MILLIS + 60_000);
        int code = 0;
        try {
            producer.send(far);
        } catch (MQBrokerException error) {
            code = error.getResponseCode();
        }
        context.checkEquals(ResponseCode.MESSAGE_ILLEGAL, code, "the answer to a message that is too far away");
    }

    /** What waits survives a restart of the server, and so does that it was taken back. */
    static void serverRestart(Context context, String mode) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<SendResult> results = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Message message = Context.message(topic, "m-" + i);
            message.setDeliverTimeMs(System.currentTimeMillis() + (i < 10 ? 500 : 6_000));
            results.add(sent(context, producer.send(message)));
        }
        producer.recallMessage(topic, results.get(19).getRecallHandle());
        Received received = new Received();
        context.start(context.consumer(context.group("a"), topic, "*"), received);
        context.eventually("what is due has come", () -> received.count() == 10);
        context.restartServer(mode);
        List<String> expected = Context.bodies(0, 19);
        if (mode.equals("graceful")) {
            received.awaitExactly(context, "the consumer", expected);
        } else {
            // Apache's broker may deliver what was due again.
            context.eventually("all have come", () -> received.distinct().containsAll(expected));
            context.check(!received.distinct().contains("m-19"), "m-19 came, though it was taken back");
        }
    }

    private static SendResult sent(Context context, SendResult result) {
        context.check(result.getSendStatus() == SendStatus.SEND_OK, "answered " + result.getSendStatus());
        context.check(result.getRecallHandle() != null, "there is no handle to take the message back");
        return result;
    }
}
