package interop;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

/** Consumers that pop: push consumers whose broker assigns them their queues, and pops by hand. */
final class PopScenarios {
    private static final int COUNT = 40;
    /** The least that Java's consumers take. */
    private static final long INVISIBLE_MILLIS = 5_000;
    /** A consumer that fails gets its message again after ten seconds; Apache's broker takes some more. */
    private static final Duration RETRY_LIMIT = Duration.ofSeconds(60);
    private static final Duration RECOVERY_LIMIT = Duration.ofSeconds(90);

    private PopScenarios() {
    }

    private static DefaultMQPushConsumer popConsumer(Context context, String group, String topic, String subExpression)
        throws Exception {
        DefaultMQPushConsumer consumer = context.consumer(group, topic, subExpression);
        consumer.setClientRebalance(false);
        return consumer;
    }

    /** Fails the first time for some of the messages. */
    private static final class Failing extends Received {
        private final Set<String> failed = ConcurrentHashMap.newKeySet();

        @Override
        public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext context) {
            add(batch);
            for (MessageExt message : batch) {
                String body = Received.body(message);
                if (body.endsWith("0") && failed.add(body)) {
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        }
    }

    /** What is consumed comes once, what fails comes again later and counts its tries. */
    static void push(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        context.send(producer, topic, 0, COUNT);
        new PopClient(producer, topic, group).setPopMode();
        Failing received = new Failing();
        context.start(popConsumer(context, group, topic, "*"), received);
        int failures = COUNT / 10;
        context.eventually("the consumer gets all", () -> received.count() >= COUNT);
        long millis = context.eventually("what failed comes again", RETRY_LIMIT,
            () -> received.count() >= COUNT + failures);
        context.checkEquals(new HashSet<>(Context.bodies(0, COUNT)), received.distinct(), "what the consumer got");
        List<MessageExt> again = received.messages().stream().filter(message -> message.getReconsumeTimes() > 0)
            .toList();
        context.checkEquals(failures, again.size(), "messages that came again");
        for (MessageExt message : again) {
            context.checkEquals(1, message.getReconsumeTimes(), "reconsumeTimes of " + Received.body(message));
            context.checkEquals(topic, message.getTopic(), "the topic of " + Received.body(message));
        }
        context.send(producer, topic, COUNT, COUNT * 2);
        context.eventually("what is new arrives", () -> received.distinct().size() >= COUNT * 2);
        context.note("what failed came again after " + millis + " ms");
    }

    /** Consumers of one group pop the same queues, and no message goes to two of them. */
    static void shared(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        context.send(producer, topic, 0, 1);
        new PopClient(producer, topic, group).setPopMode();
        List<Received> all = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Received received = new Received();
            all.add(received);
            DefaultMQPushConsumer consumer = popConsumer(context, group, topic, "*");
            consumer.setPopBatchNums(4);
            context.start(consumer, received);
        }
        context.send(producer, topic, 1, COUNT * 5);
        context.eventually("together they get all",
            () -> all.stream().mapToInt(Received::count).sum() >= COUNT * 5);
        List<String> bodies = all.stream().flatMap(received -> received.bodies().stream()).toList();
        context.checkEquals(COUNT * 5, bodies.size(), "messages of all, duplicates counted");
        context.checkEquals(new HashSet<>(Context.bodies(0, COUNT * 5)), new HashSet<>(bodies), "what they got");
        context.note("shares: " + all.stream().map(Received::count).toList());
    }

    static void tags(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        for (int i = 0; i < COUNT; i++) {
            var message = Context.message(topic, "m-" + i);
            message.setTags(i % 2 == 0 ? "even" : "odd");
            producer.send(message);
        }
        new PopClient(producer, topic, group).setPopMode();
        Received received = new Received();
        context.start(popConsumer(context, group, topic, "even"), received);
        List<String> even = Context.bodies(0, COUNT).stream()
            .filter(body -> Integer.parseInt(body.substring(2)) % 2 == 0).toList();
        received.awaitExactly(context, "the consumer", even);
    }

    /** Acknowledged one by one, in a batch, hidden for longer, or left alone. */
    static void byHand(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, 8);
        PopClient client = new PopClient(producer, topic, context.group("a"));
        List<MessageExt> popped = new ArrayList<>();
        context.eventually("all are popped", () -> {
            popped.addAll(client.pop(-1, 32, INVISIBLE_MILLIS, false));
            return popped.size() >= 8;
        });
        context.check(client.ack(popped.get(0)), "an ack was refused");
        context.check(client.batchAck(popped.subList(1, 4)), "a batch ack was refused");
        String oldHandle = popped.get(4).getProperty("POP_CK");
        context.check(client.hide(popped.get(4), 4 * INVISIBLE_MILLIS), "a message could not be hidden");
        context.check(!oldHandle.equals(popped.get(4).getProperty("POP_CK")), "the handle has not changed");
        context.checkEquals(List.of(), client.pop(-1, 32, INVISIBLE_MILLIS, false), "what is invisible");
        List<String> again = new ArrayList<>();
        context.eventually("the others come again", RETRY_LIMIT, () -> {
            for (MessageExt message : client.pop(-1, 32, INVISIBLE_MILLIS * 10, false)) {
                again.add(Received.body(message));
                context.check(client.ack(message), "an ack of a message that came again was refused");
            }
            return again.size() >= 3;
        });
        Set<String> expected = new HashSet<>(popped.subList(5, 8).stream().map(Received::body).toList());
        context.checkEquals(expected, new HashSet<>(again), "what came again");
        context.eventually("the hidden one comes last", RETRY_LIMIT,
            () -> client.pop(-1, 32, INVISIBLE_MILLIS, false).stream()
                .anyMatch(message -> Received.body(message).equals(Received.body(popped.get(4)))));
    }

    /** A queue gives the next messages when those before are acknowledged. */
    static void inOrder(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        for (int i = 0; i < 6; i++) {
            producer.send(Context.message(topic, "m-" + i), (queues, message, id) -> queues.get(0), null);
        }
        PopClient client = new PopClient(producer, topic, context.group("a"));
        List<MessageExt> first = client.pop(0, 2, INVISIBLE_MILLIS, true);
        context.checkEquals(List.of("m-0", "m-1"), bodies(first), "the first pop");
        context.checkEquals(List.of(), client.pop(0, 2, INVISIBLE_MILLIS, true), "a queue that is blocked");
        context.check(client.ack(first.get(0)), "an ack was refused");
        context.checkEquals(List.of(), client.pop(0, 2, INVISIBLE_MILLIS, true), "a queue that is blocked by one");
        List<MessageExt> second = new ArrayList<>();
        context.eventually("the queue is free again", RETRY_LIMIT, () -> {
            second.addAll(client.pop(0, 2, INVISIBLE_MILLIS, true));
            return !second.isEmpty();
        });
        context.checkEquals(List.of("m-1", "m-2"), bodies(second), "the second pop");
        context.checkEquals(1, second.get(0).getReconsumeTimes(), "reconsumeTimes of what came again");
        context.check(client.batchAck(second), "a batch ack was refused");
        context.checkEquals(List.of("m-3", "m-4", "m-5"), bodies(client.pop(0, 8, INVISIBLE_MILLIS, true)),
            "the third pop");
    }

    private static List<String> bodies(List<MessageExt> messages) {
        return messages.stream().map(Received::body).toList();
    }

    /** What was acknowledged before the server died does not come again, everything else does. */
    static void restart(Context context, String mode) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, COUNT);
        PopClient client = new PopClient(producer, topic, context.group("a"));
        Set<String> acked = new HashSet<>();
        Set<String> left = new HashSet<>();
        context.eventually("all are popped", () -> {
            for (MessageExt message : client.pop(-1, 16, 2 * INVISIBLE_MILLIS, false)) {
                boolean isLeft = message.getQueueOffset() % 2 == 1;
                if (!isLeft) {
                    context.check(client.ack(message), "an ack was refused");
                }
                (isLeft ? left : acked).add(Received.body(message));
            }
            return acked.size() + left.size() >= COUNT;
        });
        context.restartServer(mode);
        Set<String> again = ConcurrentHashMap.newKeySet();
        context.eventually("what was left comes again", RECOVERY_LIMIT, () -> {
            for (MessageExt message : client.pop(-1, 16, INVISIBLE_MILLIS * 10, false)) {
                again.add(Received.body(message));
                client.ack(message);
            }
            return again.containsAll(left);
        });
        context.checkEquals(left, again, "what came again");
        context.note(acked.size() + " acknowledged before, " + again.size() + " came again");
    }
}
