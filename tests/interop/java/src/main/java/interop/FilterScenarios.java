package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** Consumers that choose messages by SQL92; the server has to have enablePropertyFilter=true. */
final class FilterScenarios {
    private static final int COUNT = 40;
    private static final String EXPRESSION =
        "(price BETWEEN 10 AND 19 AND region IN ('eu', 'us')) OR (TAGS = 'vip' AND note CONTAINS 'it''s')";

    private FilterScenarios() {
    }

    /** The broker, not the client, leaves out what does not match; a wrong expression is refused at the start. */
    static void push(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<String> matching = send(context, producer, topic, 0);
        Wire wire = new Wire();
        Received received = new Received();
        context.start(subscribed(context, context.group("a"), topic, EXPRESSION, wire), received);
        received.awaitExactly(context, "the consumer", matching);
        matching.addAll(send(context, producer, topic, COUNT));
        received.awaitExactly(context, "the consumer", matching);
        context.checkEquals(matching.size(), wire.pulled().size(), "messages that the broker sent");
        context.checkEquals(true, received.messages().stream().allMatch(
            message -> message.getUserProperty("price") != null), "properties arrive");

        DefaultMQPushConsumer wrong = subscribed(context, context.group("wrong"), topic, "price >", new Wire());
        wrong.registerMessageListener(new Received());
        try {
            wrong.start();
            context.check(false, "a consumer with a wrong expression starts");
        } catch (MQClientException expected) {
            context.check(expected.getErrorMessage().contains("line 1"), "the refusal names no place: " + expected);
        } finally {
            wrong.shutdown();
        }
    }

    /** A subscription that changes its expression goes on with the new one. */
    static void resubscribe(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        // One queue, so that one pull alone may still wait by the old expression.
        MessageQueue queue = producer.send(ofKind(topic, "y", "y-1")).getMessageQueue();
        producer.send(ofKind(topic, "x", "x-1"), queue);
        Received received = new Received();
        DefaultMQPushConsumer consumer =
            context.start(subscribed(context, context.group("a"), topic, "kind = 'x'", new Wire()), received);
        received.awaitExactly(context, "kind x", List.of("x-1"));
        consumer.subscribe(topic, MessageSelector.bySql("kind = 'y'"));
        context.eventually("the new expression holds", () -> {
            producer.send(ofKind(topic, "x", "x-2"), queue);
            producer.send(ofKind(topic, "y", "y-2"), queue);
            return received.bodies().contains("y-2");
        });
        producer.send(ofKind(topic, "x", "x-3"), queue);
        producer.send(ofKind(topic, "y", "y-3"), queue);
        context.eventually("y-3 arrives", () -> received.bodies().contains("y-3"));
        context.check(!received.bodies().contains("x-3"), "what the old expression chose came");
    }

    static void lite(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<String> matching = send(context, producer, topic, 0);
        DefaultLitePullConsumer consumer = context.connect(new DefaultLitePullConsumer(context.group("a")));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, MessageSelector.bySql(EXPRESSION));
        consumer.start();
        context.onClose(consumer::shutdown);
        List<String> polled = new ArrayList<>();
        matching.addAll(send(context, producer, topic, COUNT));
        context.eventually("all that matches is polled", () -> {
            consumer.poll(100).forEach(message -> polled.add(Received.body(message)));
            return polled.size() >= matching.size();
        });
        context.checkEquals(matching.stream().sorted().toList(), polled.stream().sorted().toList(), "what was polled");
    }

    /** What does not match neither ends parked pulls nor is given by one. */
    static void pull(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        MessageQueue queue = producer.send(ofKind(topic, "y", "y-1")).getMessageQueue();
        DefaultMQPullConsumer consumer = context.connect(new DefaultMQPullConsumer(context.group("a")));
        // This client sends no expression before a heartbeat has told it the broker's version.
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.start();
        context.onClose(consumer::shutdown);
        MessageSelector selector = MessageSelector.bySql("kind = 'x'");
        context.eventually("a pull with an expression is answered", () -> consumer.pull(queue, selector, 0, 32) != null);
        PullResult nothing = consumer.pull(queue, selector, 0, 32);
        context.checkEquals(PullStatus.NO_MATCHED_MSG, nothing.getPullStatus(), "status when nothing matches");
        context.checkEquals(1L, nothing.getNextBeginOffset(), "where the next pull goes on");

        AtomicInteger answers = new AtomicInteger();
        CompletableFuture<PullResult> parked = CompletableFuture.supplyAsync(() -> {
            try {
                PullResult result = nothing;
                while (result.getPullStatus() != PullStatus.FOUND) {
                    result = consumer.pullBlockIfNotFoundWithMessageSelector(
                        queue, selector, result.getNextBeginOffset(), 32);
                    answers.incrementAndGet();
                }
                return result;
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        });
        for (int i = 0; i < 5; i++) {
            Thread.sleep(50);
            producer.send(ofKind(topic, "y", "y-" + i), queue);
        }
        producer.send(ofKind(topic, "x", "x-1"), queue);
        PullResult found = parked.get(10, TimeUnit.SECONDS);
        context.checkEquals(List.of("x-1"), found.getMsgFoundList().stream().map(Received::body).toList(),
            "what the parked pull found");
        context.checkEquals(7L, found.getNextBeginOffset(), "where the next pull goes on");
        // Apache's broker looks every five seconds, whatever has come.
        context.check(answers.get() <= 3, "messages that do not match have ended " + answers + " pulls");
    }

    private static DefaultMQPushConsumer subscribed(
        Context context, String group, String topic, String expression, Wire wire) throws Exception {
        DefaultMQPushConsumer consumer = context.consumer(group, topic, "*", wire);
        consumer.subscribe(topic, MessageSelector.bySql(expression));
        return consumer;
    }

    private static Message ofKind(String topic, String kind, String body) {
        Message message = Context.message(topic, body);
        message.putUserProperty("kind", kind);
        return message;
    }

    /** Sends messages of every sort; gives the bodies of those that EXPRESSION is true of. */
    private static List<String> send(
        Context context, DefaultMQProducer producer, String topic, int from) throws Exception {
        String[] regions = {"eu", "us", "cn", null};
        List<String> matching = new ArrayList<>();
        for (int i = from; i < from + COUNT; i++) {
            int price = i % 30;
            String region = regions[i % regions.length];
            boolean isVip = i % 7 == 0;
            Message message = Context.message(topic, "m-" + i);
            message.putUserProperty("price", String.valueOf(price));
            if (region != null) {
                message.putUserProperty("region", region);
            }
            if (isVip) {
                message.setTags("vip");
            }
            message.putUserProperty("note", i % 2 == 0 ? "so it's" : "no");
            boolean inRegion = "eu".equals(region) || "us".equals(region);
            if ((price >= 10 && price <= 19 && inRegion) || (isVip && i % 2 == 0)) {
                matching.add("m-" + i);
            }
            producer.send(message);
        }
        context.step("sent", "topic", topic, "from", from, "matching", matching.size());
        return matching;
    }
}
