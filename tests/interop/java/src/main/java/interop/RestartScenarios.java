package interop;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.MessageExt;

/** The server stops and comes back while clients stay up. */
final class RestartScenarios {
    private static final int COUNT = 20;
    private static final int DEFAULT_HEARTBEAT_MILLIS = 30_000;
    private static final Duration RECOVERY_LIMIT = Duration.ofSeconds(60);

    private RestartScenarios() {
    }

    /** Sends without a pause worth mentioning, and keeps what was acknowledged. */
    private static final class Sender extends Thread {
        final Map<String, SendResult> acknowledged = new ConcurrentHashMap<>();
        final AtomicInteger failures = new AtomicInteger();
        private final DefaultMQProducer producer;
        private final String topic;
        private volatile boolean stopped;

        Sender(DefaultMQProducer producer, String topic) {
            this.producer = producer;
            this.topic = topic;
        }

        @Override
        public void run() {
            for (int i = 0; !stopped; i++) {
                String body = "m-" + i;
                try {
                    SendResult result = producer.send(Context.message(topic, body));
                    if (result.getSendStatus() == SendStatus.SEND_OK) {
                        acknowledged.put(body, result);
                    }
                    Thread.sleep(10);
                } catch (InterruptedException error) {
                    return;
                } catch (Exception error) {
                    failures.incrementAndGet();
                }
            }
        }

        void end() throws InterruptedException {
            stopped = true;
            join();
        }
    }

    static void run(Context context, String mode) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String quietTopic = context.topic("quiet");
        context.send(producer, quietTopic, 0, COUNT);
        Received before = new Received();
        DefaultMQPushConsumer stopped = context.start(context.consumer(context.group("quiet"), quietTopic, "*"), before);
        before.awaitExactly(context, "the consumer that stops", Context.bodies(0, COUNT));
        stopped.shutdown();

        Sender sender = new Sender(producer, topic);
        context.send(producer, topic, -1, 0);
        Received live = new Received();
        DefaultMQPushConsumer liveConsumer = context.consumer(context.group("live"), topic, "*");
        liveConsumer.setHeartbeatBrokerInterval(DEFAULT_HEARTBEAT_MILLIS);
        context.start(liveConsumer, live);
        sender.start();
        context.onClose(sender::interrupt);
        context.eventually("messages flow", () -> sender.acknowledged.size() > COUNT && live.count() > COUNT);

        context.restartServer(mode);
        int acknowledged = sender.acknowledged.size();
        Set<String> received = live.distinct();
        long sendMillis = context.eventually("sends succeed again", RECOVERY_LIMIT,
            () -> sender.acknowledged.size() > acknowledged + COUNT);
        long consumeMillis = sendMillis + context.eventually("messages arrive again", RECOVERY_LIMIT,
            () -> live.distinct().size() > received.size() + COUNT);
        sender.end();
        Set<String> sent = sender.acknowledged.keySet();
        context.eventually("every acknowledged message arrives", RECOVERY_LIMIT, () -> live.distinct().containsAll(sent));
        checkAgainstLedger(context, sender, live);

        context.send(producer, quietTopic, COUNT, COUNT * 2);
        Received after = new Received();
        context.start(context.consumer(context.group("quiet"), quietTopic, "*"), after);
        if (mode.equals("graceful")) {
            after.awaitExactly(context, "the consumer that comes back", Context.bodies(COUNT, COUNT * 2));
        } else {
            // Consumer offsets are written every five seconds: a crash may take the last ones back, never lose messages.
            context.eventually("the consumer that comes back gets what is new",
                () -> after.distinct().containsAll(Context.bodies(COUNT, COUNT * 2)));
        }
        context.note(String.format("sends again after %d ms, messages after %d ms; %d acknowledged, %d failed, %d twice",
            sendMillis, consumeMillis, sent.size(), sender.failures.get(), live.count() - live.distinct().size()));
    }

    /** What was acknowledged is where the acknowledgement said, and no place was given twice. */
    private static void checkAgainstLedger(Context context, Sender sender, Received live) {
        Set<String> places = new HashSet<>();
        Map<String, String> acknowledgedPlaces = new HashMap<>();
        sender.acknowledged.forEach((body, result) -> {
            String place = result.getMessageQueue().getQueueId() + "/" + result.getQueueOffset();
            context.check(places.add(place), "two messages were acknowledged at " + place);
            acknowledgedPlaces.put(place, body);
        });
        for (MessageExt message : live.messages()) {
            String place = message.getQueueId() + "/" + message.getQueueOffset();
            String body = acknowledgedPlaces.get(place);
            context.check(body == null || body.equals(Received.body(message)),
                place + " was acknowledged to " + body + " and holds " + Received.body(message));
        }
    }
}
