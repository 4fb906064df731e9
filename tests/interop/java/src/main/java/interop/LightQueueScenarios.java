package interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.header.QueryConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.UpdateConsumerOffsetRequestHeader;

/** Light queues (LMQ): one message in many queues. */
@SuppressWarnings("deprecation")
final class LightQueueScenarios {
    private LightQueueScenarios() {
    }

    /** A message is in each light queue that it names, and wakes who waits there. */
    static void pull(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        DefaultMQPullConsumer consumer = puller(context, producer);
        MessageQueue a = queue(context, producer, "a");
        MessageQueue b = queue(context, producer, "b");
        send(producer, context.topic(), "m-1", a);
        send(producer, context.topic(), "m-2", a, b);
        context.checkEquals(0L, consumer.minOffset(a), "minOffset");
        context.eventually("two messages are there", () -> consumer.maxOffset(a) == 2);
        context.checkEquals(List.of("m-1", "m-2"), bodies(consumer.pull(a, "*", 0, 32)), "light queue a");
        PullResult ofB = consumer.pull(b, "*", 0, 32);
        context.checkEquals(List.of("m-2"), bodies(ofB), "light queue b");
        MessageExt message = ofB.getMsgFoundList().get(0);
        context.checkEquals(context.topic(), message.getTopic(), "topic");
        context.checkEquals("1,0", message.getProperty(MessageConst.PROPERTY_INNER_MULTI_QUEUE_OFFSET), "offsets");
        CompletableFuture<PullResult> parked = CompletableFuture.supplyAsync(() -> {
            try {
                return consumer.pullBlockIfNotFound(b, "*", 1, 32);
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
        });
        send(producer, context.topic(), "m-3", b);
        PullResult woken = parked.get(20, TimeUnit.SECONDS);
        context.checkEquals(List.of("m-3"), bodies(woken), "what a parked pull got");
        context.checkEquals(PullStatus.NO_NEW_MSG, consumer.pull(a, "*", 2, 32).getPullStatus(), "at the end of a");
    }

    /** Light queues and how far a light group is outlive a restart. */
    static void serverRestart(Context context, String mode) throws Exception {
        DefaultMQProducer producer = context.producer();
        DefaultMQPullConsumer consumer = puller(context, producer);
        MessageQueue a = queue(context, producer, "a");
        for (int i = 0; i < 5; i++) {
            send(producer, context.topic(), "m-" + i, a);
        }
        context.eventually("five messages are there", () -> consumer.maxOffset(a) == 5);
        Admin admin = Admin.of(producer, context.topic());
        String group = "%LMQ%" + context.group("light");
        commit(admin, group, a, 3);
        if (mode.equals("kill")) {
            // What is written every five seconds.
            Thread.sleep(7_000);
        }
        context.restartServer(mode);
        context.eventually("sends succeed again", () -> {
            send(producer, context.topic(), "m-5", a);
            return true;
        });
        context.eventually("there is one more", () -> consumer.maxOffset(a) >= 6);
        List<String> bodies = bodies(consumer.pull(a, "*", 0, 32));
        context.checkEquals(Context.bodies(0, 6), bodies.subList(0, 6), "light queue a");
        context.checkEquals(3L, committed(admin, group, a), "the committed offset");
    }

    private static void commit(Admin admin, String group, MessageQueue queue, long offset) throws Exception {
        UpdateConsumerOffsetRequestHeader header = new UpdateConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(queue.getTopic());
        header.setQueueId(queue.getQueueId());
        header.setCommitOffset(offset);
        admin.api().updateConsumerOffset(admin.brokerAddr(), header, Admin.TIMEOUT_MILLIS);
    }

    private static long committed(Admin admin, String group, MessageQueue queue) throws Exception {
        QueryConsumerOffsetRequestHeader header = new QueryConsumerOffsetRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(queue.getTopic());
        header.setQueueId(queue.getQueueId());
        return admin.api().queryConsumerOffset(admin.brokerAddr(), header, Admin.TIMEOUT_MILLIS);
    }

    private static void send(DefaultMQProducer producer, String topic, String body, MessageQueue... lights) throws Exception {
        Message message = Context.message(topic, body);
        List<String> names = new ArrayList<>();
        for (MessageQueue light : lights) {
            names.add(light.getTopic());
        }
        message.putUserProperty(MessageConst.PROPERTY_INNER_MULTI_DISPATCH, String.join(",", names));
        producer.send(message);
    }

    /** The light queue of a role, at the broker that has the parent topic. */
    private static MessageQueue queue(Context context, DefaultMQProducer producer, String role) throws Exception {
        return new MessageQueue("%LMQ%" + context.topic(role), Admin.of(producer, context.topic()).brokerName(), 0);
    }

    private static DefaultMQPullConsumer puller(Context context, DefaultMQProducer producer) throws Exception {
        producer.send(Context.message(context.topic(), "parent"));
        DefaultMQPullConsumer consumer = context.connect(new DefaultMQPullConsumer(context.group("a")));
        consumer.setRegisterTopics(Set.of(context.topic()));
        consumer.start();
        context.onClose(consumer::shutdown);
        // A light topic has no route of its own; the parent's tells where the broker is, once a queue of it is asked for.
        context.eventually("the consumer knows the broker", () -> {
            Set<MessageQueue> queues = consumer.fetchSubscribeMessageQueues(context.topic());
            for (MessageQueue queue : queues) {
                consumer.minOffset(queue);
            }
            return queues.size() == 4;
        });
        return consumer;
    }

    private static List<String> bodies(PullResult result) {
        return result.getMsgFoundList() == null ? List.of()
            : result.getMsgFoundList().stream().map(Received::body).toList();
    }
}
