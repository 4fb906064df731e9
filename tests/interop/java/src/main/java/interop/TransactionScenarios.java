package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Transactions. The server has to have a short transactionTimeOut and transactionCheckInterval; Apache's must not ask
 * again before it has written down an end, which takes it transactionOpBatchInterval.
 */
final class TransactionScenarios {
    private static final int COUNT = 20;
    private static final LocalTransactionState COMMIT = LocalTransactionState.COMMIT_MESSAGE;
    private static final LocalTransactionState ROLLBACK = LocalTransactionState.ROLLBACK_MESSAGE;
    private static final LocalTransactionState UNKNOWN = LocalTransactionState.UNKNOW;

    private TransactionScenarios() {
    }

    /** Says at once, and when it is asked, what became of a transaction; both by the message's body. */
    private static final class Listener implements TransactionListener {
        final Map<String, Integer> asked = new ConcurrentHashMap<>();
        private final Function<String, LocalTransactionState> local;
        private final Function<String, LocalTransactionState> answer;

        Listener(Function<String, LocalTransactionState> local, Function<String, LocalTransactionState> answer) {
            this.local = local;
            this.answer = answer;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return local.apply(new String(message.getBody()));
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            asked.merge(Received.body(message), 1, Integer::sum);
            return answer.apply(Received.body(message));
        }
    }

    private static TransactionMQProducer producer(Context context, Listener listener) throws Exception {
        // With the topic it finds the brokers that it is to tell of itself before it has sent anything.
        List<String> topics = List.of(context.topic());
        TransactionMQProducer producer =
            context.connect(new TransactionMQProducer(context.group("producer"), topics));
        // Who was away is asked as soon as the server hears of it.
        producer.setHeartbeatBrokerInterval(1000);
        producer.setTransactionListener(listener);
        context.start(producer);
        return producer;
    }

    private static void send(Context context, TransactionMQProducer producer, List<String> bodies) throws Exception {
        for (String body : bodies) {
            Message message = Context.message(context.topic(), body);
            message.putUserProperty("shade", "blue");
            producer.sendMessageInTransaction(message, null);
        }
        context.step("sent", "bodies", bodies.toString());
    }

    private static Received consumer(Context context) throws Exception {
        Received received = new Received();
        context.start(context.consumer(context.group("consumer"), context.topic(), "*"), received);
        return received;
    }

    static void ends(Context context) throws Exception {
        List<String> bodies = Context.bodies(0, COUNT);
        List<String> committed = bodies.stream().filter(body -> !body.endsWith("3")).toList();
        Listener listener = new Listener(body -> committed.contains(body) ? COMMIT : ROLLBACK, body -> ROLLBACK);
        TransactionMQProducer producer = producer(context, listener);
        send(context, producer, bodies);
        Received received = consumer(context);
        received.awaitExactly(context, "the consumer", committed);
        for (MessageExt message : received.messages()) {
            context.checkEquals("blue", message.getUserProperty("shade"), "a property");
            context.checkEquals(context.topic(), message.getTopic(), "the topic");
        }
        context.checkEquals(Map.of(), listener.asked, "what the producer was asked about");
    }

    /** Who does not know is asked, again until it does. */
    static void checks(Context context) throws Exception {
        Map<String, Integer> times = new ConcurrentHashMap<>();
        Listener listener = new Listener(body -> UNKNOWN, body -> {
            boolean isFirst = times.merge(body, 1, Integer::sum) == 1;
            if (body.equals("m-0") && isFirst) {
                throw new IllegalStateException("the database is away");
            }
            if (body.equals("m-1") && isFirst) {
                return UNKNOWN;
            }
            return body.equals("m-2") ? ROLLBACK : COMMIT;
        });
        send(context, producer(context, listener), Context.bodies(0, 5));
        Received received = consumer(context);
        received.awaitExactly(context, "the consumer", List.of("m-0", "m-1", "m-3", "m-4"));
        context.checkEquals(Map.of("m-0", 2, "m-1", 2, "m-2", 1, "m-3", 1, "m-4", 1), listener.asked, "checks");
    }

    /** A producer that is gone, without a word, is stood in for by another one of its group. */
    static void otherProducer(Context context) throws Exception {
        Listener gone = new Listener(body -> UNKNOWN, body -> UNKNOWN);
        TransactionMQProducer first = producer(context, gone);
        send(context, first, Context.bodies(0, 3));
        Received received = consumer(context);
        first.getDefaultMQProducerImpl().getMqClientFactory().getMQClientAPIImpl().shutdown();
        Listener standIn = new Listener(body -> UNKNOWN, body -> body.equals("m-1") ? ROLLBACK : COMMIT);
        producer(context, standIn);
        received.awaitExactly(context, "the consumer", List.of("m-0", "m-2"));
        context.checkEquals(Context.bodies(0, 3), new ArrayList<>(new java.util.TreeSet<>(standIn.asked.keySet())),
            "what the other producer was asked about");
    }

    /** The server comes back between a message and what becomes of it. */
    static void serverRestart(Context context, String mode) throws Exception {
        Listener listener = new Listener(body -> {
            if (body.equals("m-2")) {
                try {
                    context.restartServer(mode);
                } catch (java.io.IOException error) {
                    throw new IllegalStateException(error);
                }
            }
            return body.equals("m-1") ? UNKNOWN : body.equals("m-3") ? ROLLBACK : COMMIT;
        }, body -> body.equals("m-3") ? ROLLBACK : COMMIT);
        TransactionMQProducer producer = producer(context, listener);
        send(context, producer, Context.bodies(0, 3));
        Received received = consumer(context);
        context.eventually("sends succeed again", () -> {
            producer.sendMessageInTransaction(Context.message(context.topic(), "m-3"), null);
            return true;
        });
        received.awaitExactly(context, "the consumer", List.of("m-0", "m-1", "m-2"));
        context.eventually("the consumer has nothing more to get", () -> {
            producer.sendMessageInTransaction(Context.message(context.topic(), "m-4"), null);
            return true;
        });
        received.awaitExactly(context, "the consumer", List.of("m-0", "m-1", "m-2", "m-4"));
    }
}
