package interop;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;

/** Names, clients and assertions of one scenario. Closing it shuts its clients down. */
final class Context implements AutoCloseable {
    static final Duration SOON = Duration.ofSeconds(30);
    private static final long POLL_INTERVAL_MILLIS = 10;

    private final String namesrvAddr;
    private final String prefix;
    private final String scenario;
    private final BufferedReader answers;
    private final Deque<Runnable> shutdowns = new ArrayDeque<>();
    private int instances;
    private String note = "";

    Context(String namesrvAddr, String runId, String scenario, BufferedReader answers) {
        this.namesrvAddr = namesrvAddr;
        this.scenario = scenario;
        this.prefix = "interop_java_" + runId + "_" + scenario.replaceAll("[^A-Za-z0-9]+", "_");
        this.answers = answers;
    }

    /** A topic of this scenario and this run alone. */
    String topic() {
        return prefix;
    }

    String topic(String role) {
        return prefix + "_" + role;
    }

    String group(String role) {
        return prefix + "_group_" + role;
    }

    /** Points a client at the server under test, as an instance of its own. */
    <T extends ClientConfig> T connect(T client) {
        client.setNamesrvAddr(namesrvAddr);
        client.setInstanceName(prefix + "_" + instances++);
        return client;
    }

    DefaultMQProducer producer() throws Exception {
        return start(connect(new DefaultMQProducer(group("producer"))));
    }

    DefaultMQProducer start(DefaultMQProducer producer) throws Exception {
        producer.start();
        onClose(producer::shutdown);
        return producer;
    }

    /** A consumer of all that a topic holds; not started. */
    DefaultMQPushConsumer consumer(String group, String topic, String subExpression) throws Exception {
        DefaultMQPushConsumer consumer = connect(new DefaultMQPushConsumer(group));
        return fromFirst(consumer, topic, subExpression);
    }

    DefaultMQPushConsumer consumer(String group, String topic, String subExpression, Wire wire) throws Exception {
        DefaultMQPushConsumer consumer = connect(new DefaultMQPushConsumer(group, wire));
        return fromFirst(consumer, topic, subExpression);
    }

    private static DefaultMQPushConsumer fromFirst(DefaultMQPushConsumer consumer, String topic, String subExpression)
        throws Exception {
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        // A consumer whose subscription changed while a heartbeat was under way pulls in vain until the next one.
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.subscribe(topic, subExpression);
        return consumer;
    }

    DefaultMQPushConsumer start(DefaultMQPushConsumer consumer, Received received) throws Exception {
        consumer.registerMessageListener(received);
        return start(consumer);
    }

    DefaultMQPushConsumer start(DefaultMQPushConsumer consumer) throws Exception {
        consumer.start();
        onClose(consumer::shutdown);
        return consumer;
    }

    void onClose(Runnable shutdown) {
        shutdowns.push(shutdown);
    }

    /** Sends messages with the bodies m-{@code from} up to m-{@code to}, exclusive, one after the other. */
    List<SendResult> send(DefaultMQProducer producer, String topic, int from, int to) throws Exception {
        List<SendResult> results = new ArrayList<>();
        for (int i = from; i < to; i++) {
            SendResult result = producer.send(message(topic, "m-" + i));
            check(result.getSendStatus() == SendStatus.SEND_OK, "m-" + i + " was answered " + result.getSendStatus());
            results.add(result);
        }
        step("sent", "topic", topic, "from", from, "to", to);
        return results;
    }

    static Message message(String topic, String body) {
        return new Message(topic, body.getBytes(StandardCharsets.UTF_8));
    }

    /** The bodies that {@link #send} gives. */
    static List<String> bodies(int from, int to) {
        List<String> bodies = new ArrayList<>();
        for (int i = from; i < to; i++) {
            bodies.add("m-" + i);
        }
        return bodies;
    }

    /** The queues that a consumer works on at present, without those of its retry topic. */
    static List<MessageQueue> queuesOf(DefaultMQPushConsumer consumer, String topic) {
        return consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet().stream()
            .filter(queue -> queue.getTopic().equals(topic)).sorted().toList();
    }

    /**
     * The consumer offsets that the broker holds for a group, by queueId. Asked through a producer: a consumer's own
     * offset store would take what it reads for its own progress.
     */
    static Map<Integer, Long> committed(DefaultMQProducer producer, String group, String topic) throws Exception {
        MQClientInstance client = producer.getDefaultMQProducerImpl().getMqClientFactory();
        Map<Integer, Long> offsets = new TreeMap<>();
        for (MessageQueue queue : producer.fetchPublishMessageQueues(topic)) {
            QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
            header.setConsumerGroup(group);
            header.setTopic(topic);
            header.setQueueId(queue.getQueueId());
            String broker = client.findBrokerAddressInPublish(queue.getBrokerName());
            offsets.put(queue.getQueueId(), client.getMQClientAPIImpl().queryConsumerOffset(broker, header, 3000));
        }
        return offsets;
    }

    static Map<Integer, Long> maxOffsets(DefaultMQProducer producer, String topic) throws Exception {
        Map<Integer, Long> offsets = new TreeMap<>();
        for (MessageQueue queue : producer.fetchPublishMessageQueues(topic)) {
            offsets.put(queue.getQueueId(), producer.maxOffset(queue));
        }
        return offsets;
    }

    void check(boolean condition, String message) {
        if (!condition) {
            throw new CheckFailed(message);
        }
    }

    void checkEquals(Object expected, Object actual, String what) {
        check(expected.equals(actual), what + ": expected " + expected + ", found " + actual);
    }

    void eventually(String what, Callable<Boolean> condition) throws InterruptedException {
        eventually(what, SOON, condition);
    }

    /** Waits until the condition holds; an exception counts as not yet. Returns the milliseconds that it took. */
    long eventually(String what, Duration limit, Callable<Boolean> condition) throws InterruptedException {
        long start = System.nanoTime();
        Exception last = null;
        while (System.nanoTime() - start < limit.toNanos()) {
            try {
                if (condition.call()) {
                    long millis = (System.nanoTime() - start) / 1_000_000;
                    step("awaited", "what", what, "millis", millis);
                    return millis;
                }
                last = null;
            } catch (Exception error) {
                last = error;
            }
            Thread.sleep(POLL_INTERVAL_MILLIS);
        }
        throw new CheckFailed("not within " + limit.toMillis() + " ms: " + what + (last == null ? "" : "; " + last));
    }

    void step(String step, Object... fields) {
        Object[] all = new Object[fields.length + 2];
        all[0] = "step";
        all[1] = step;
        System.arraycopy(fields, 0, all, 2, fields.length);
        Report.line(scenario, all);
    }

    /** Has the server restarted; returns when it serves again. */
    void restartServer(String mode) throws IOException {
        Report.line(scenario, "restart", mode);
        String answer = answers.readLine();
        check("restarted".equals(answer), "the server did not come back: " + answer);
    }

    /** What a reader of the outcome should see: figures. */
    void note(String text) {
        note = text;
    }

    String note() {
        return note;
    }

    @Override
    public void close() {
        while (!shutdowns.isEmpty()) {
            shutdowns.pop().run();
        }
    }
}
