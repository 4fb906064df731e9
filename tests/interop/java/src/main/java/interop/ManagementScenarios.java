package interop;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.body.CMResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumeMessageDirectlyResult;
import org.apache.rocketmq.remoting.protocol.body.ConsumerRunningInfo;

/** What an admin asks of consumers, which the broker passes on to them. */
final class ManagementScenarios {
    private static final int COUNT = 20;

    private ManagementScenarios() {
    }

    /** A consumer tells what it does, and how far it is in each queue. */
    static void status(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        context.send(producer, topic, 0, COUNT);
        Received received = new Received();
        DefaultMQPushConsumer consumer = context.start(context.consumer(group, topic, "*"), received);
        received.awaitExactly(context, "the consumer", Context.bodies(0, COUNT));
        Admin admin = Admin.of(producer, topic);
        String clientId = clientId(consumer);

        ConsumerRunningInfo info = admin.api().getConsumerRunningInfo(admin.brokerAddr(), group, clientId, true,
            Admin.TIMEOUT_MILLIS);
        context.checkEquals("CONSUME_PASSIVELY", info.getProperties().getProperty(ConsumerRunningInfo.PROP_CONSUME_TYPE),
            "consume type");
        List<MessageQueue> queues = info.getMqTable().keySet().stream().filter(queue -> queue.getTopic().equals(topic))
            .sorted().toList();
        context.checkEquals(Context.queuesOf(consumer, topic), queues, "queues that the consumer tells of");
        context.check(info.getSubscriptionSet().stream().anyMatch(data -> data.getTopic().equals(topic)),
            "its subscription is missing");
        context.check(info.getJstack() != null && info.getJstack().contains("TID"), "the stacks are missing");

        consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        Map<String, Map<MessageQueue, Long>> status = admin.api().invokeBrokerToGetConsumerStatus(admin.brokerAddr(), topic,
            group, clientId, Admin.TIMEOUT_MILLIS);
        context.checkEquals(List.of(clientId), List.copyOf(status.keySet()), "clients that tell how far they are");
        context.checkEquals(Context.maxOffsets(producer, topic), byQueueId(status.get(clientId)), "how far it is");
    }

    /** An admin has one message consumed once more, by one client. */
    static void consumeDirectly(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        List<SendResult> sent = context.send(producer, topic, 0, 3);
        Received received = new Received();
        DefaultMQPushConsumer consumer = context.start(context.consumer(group, topic, "*"), received);
        received.awaitExactly(context, "the consumer", Context.bodies(0, 3));
        Admin admin = Admin.of(producer, topic);
        ConsumeMessageDirectlyResult result = admin.api().consumeMessageDirectly(admin.brokerAddr(), group,
            clientId(consumer), topic, sent.get(1).getOffsetMsgId(), Admin.TIMEOUT_MILLIS);
        context.checkEquals(CMResult.CR_SUCCESS, result.getConsumeResult(), "what the consumer answered");
        context.checkEquals(4, received.count(), "messages");
        context.checkEquals("m-1", received.bodies().get(3), "the last message");
    }

    /** An admin sets a group back by time while its consumer is at work: it gets what it had, and goes on behind it. */
    static void resetOffset(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        context.send(producer, topic, 0, COUNT);
        Received received = new Received();
        DefaultMQPushConsumer consumer = context.start(context.consumer(group, topic, "*"), received);
        received.awaitExactly(context, "the consumer", Context.bodies(0, COUNT));
        consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
        Admin admin = Admin.of(producer, topic);
        Map<MessageQueue, Long> offsets = admin.api().invokeBrokerToResetOffset(admin.brokerAddr(), topic, group, 0, true,
            Admin.TIMEOUT_MILLIS);
        context.checkEquals(new TreeMap<>(Map.of(0, 0L, 1, 0L, 2, 0L, 3, 0L)), byQueueId(offsets), "where it was set to");
        context.eventually("all come again", () -> received.count() >= COUNT * 2);
        context.checkEquals(new HashSet<>(Context.bodies(0, COUNT)), new HashSet<>(received.bodies().subList(COUNT,
            COUNT * 2)), "what came again");
        context.send(producer, topic, COUNT, COUNT * 2);
        context.eventually("what is new comes", () -> received.distinct().containsAll(Context.bodies(0, COUNT * 2)));
        context.eventually("the broker has the consumer offsets", () -> {
            consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
            return Context.committed(producer, group, topic).equals(Context.maxOffsets(producer, topic));
        });
    }

    private static String clientId(DefaultMQPushConsumer consumer) {
        return consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    }

    private static Map<Integer, Long> byQueueId(Map<MessageQueue, Long> offsets) {
        Map<Integer, Long> found = new TreeMap<>();
        offsets.forEach((queue, offset) -> found.put(queue.getQueueId(), offset));
        return found;
    }
}
