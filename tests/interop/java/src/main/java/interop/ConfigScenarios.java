package interop;

import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.subscription.ExponentialRetryPolicy;
import org.apache.rocketmq.remoting.protocol.subscription.GroupRetryPolicy;
import org.apache.rocketmq.remoting.protocol.subscription.GroupRetryPolicyType;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;

/** Topics and groups that an admin has made: message types, retry policies, dead letters. */
final class ConfigScenarios {
    private ConfigScenarios() {
    }

    /** A topic says for what messages it is; the broker leaves it to proxies to look at that. */
    static void messageTypes(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        context.send(producer, context.topic(), 0, 1);
        Admin admin = Admin.of(producer, context.topic());
        for (String type : List.of("NORMAL", "FIFO", "DELAY", "TRANSACTION", "UNSPECIFIED")) {
            String topic = context.topic(type);
            createTopic(admin, topic, type);
            TopicConfig found = admin.api().getTopicConfig(admin.brokerAddr(), topic, Admin.TIMEOUT_MILLIS);
            context.checkEquals(Map.of("message.type", type), found.getAttributes(), "attributes");
            context.checkEquals(type, found.getTopicMessageType().getValue(), "type");
            context.send(producer, topic, 0, 1);
        }
        int code = 0;
        try {
            createTopic(admin, context.topic("MIXED"), "MIXED");
        } catch (MQClientException error) {
            code = error.getResponseCode();
        }
        context.checkEquals(ResponseCode.INVALID_PARAMETER, code, "the answer for MIXED");
    }

    private static void createTopic(Admin admin, String topic, String type) throws Exception {
        TopicConfig config = new TopicConfig(topic, 1, 1, 6);
        config.setAttributes(Map.of("+message.type", type));
        admin.api().createTopic(admin.brokerAddr(), "TBW102", config, Admin.TIMEOUT_MILLIS);
    }

    /** A group keeps its retry policy; a message that is refused comes again, no sooner than the policy says. */
    static void retryPolicy(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        String group = context.group("a");
        context.send(producer, topic, 0, 1);
        Admin admin = Admin.of(producer, topic);
        createGroup(admin, group, 1);
        SubscriptionGroupConfig found = admin.api().getSubscriptionGroupConfig(admin.brokerAddr(), group,
            Admin.TIMEOUT_MILLIS);
        GroupRetryPolicy policy = found.getGroupRetryPolicy();
        context.checkEquals(GroupRetryPolicyType.EXPONENTIAL, policy.getType(), "type");
        context.checkEquals(2_000L, policy.getExponentialRetryPolicy().getInitial(), "initial");
        context.checkEquals(4_000L, policy.getExponentialRetryPolicy().getMax(), "max");
        context.checkEquals(3L, policy.getExponentialRetryPolicy().getMultiplier(), "multiplier");
        long millis = refuseUntilDead(context, producer, topic, group);
        context.check(millis >= 2_000, "came again after " + millis + " ms");
        // Apache's broker has no use for the policy: the first retry takes delay level 3.
        context.note("came again after " + millis + " ms");
    }

    private static void createGroup(Admin admin, String group, int retryMaxTimes) throws Exception {
        GroupRetryPolicy policy = new GroupRetryPolicy();
        policy.setType(GroupRetryPolicyType.EXPONENTIAL);
        policy.setExponentialRetryPolicy(new ExponentialRetryPolicy(2_000, 4_000, 3));
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName(group);
        config.setRetryMaxTimes(retryMaxTimes);
        config.setGroupRetryPolicy(policy);
        admin.api().createSubscriptionGroup(admin.brokerAddr(), config, Admin.TIMEOUT_MILLIS);
    }

    /** Refuses m-0 until it goes to the dead letters, with one retry before that; returns how long that one took. */
    private static long refuseUntilDead(Context context, DefaultMQProducer producer, String topic, String group)
        throws Exception {
        // The first heartbeat of a group makes its retry topic; a client that starts before would learn of it in 30 s.
        Received warmUp = new Received();
        String warmUpTopic = context.topic("warm_up");
        context.send(producer, warmUpTopic, 0, 1);
        context.start(context.consumer(group, warmUpTopic, "*"), warmUp);
        warmUp.awaitExactly(context, "the first consumer", Context.bodies(0, 1));
        context.close();

        DefaultMQProducer second = context.producer();
        long[] refusedAt = new long[1];
        Received received = new Received() {
            @Override
            public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext consume) {
                super.consumeMessage(batch, consume);
                if (batch.get(0).getReconsumeTimes() == 0) {
                    refusedAt[0] = System.currentTimeMillis();
                }
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
        };
        var consumer = context.consumer(group, topic, "*");
        consumer.setMaxReconsumeTimes(1);
        context.start(consumer, received);
        context.eventually("the message comes again", () -> received.count() == 2);
        MessageExt again = received.messages().get(1);
        context.checkEquals(1, again.getReconsumeTimes(), "reconsumeTimes");
        String deadTopic = "%DLQ%" + group;
        Received dead = new Received();
        context.eventually("there is a topic for dead letters", () -> second.fetchPublishMessageQueues(deadTopic).size() == 1);
        context.start(context.consumer(context.group("dead"), deadTopic, "*"), dead);
        dead.awaitExactly(context, "the dead letters", List.of("m-0"));
        MessageExt letter = dead.messages().get(0);
        context.checkEquals(topic, letter.getProperty(MessageConst.PROPERTY_RETRY_TOPIC), "where the dead letter was first");
        context.checkEquals(received.messages().get(0).getMsgId(), letter.getMsgId(), "id of the dead letter");
        return again.getStoreTimestamp() - refusedAt[0];
    }

    /** A client with a namespace has topics and groups of its own: also retries come back to it. */
    @SuppressWarnings("deprecation")
    static void namespace(Context context) throws Exception {
        String namespace = "MQ_INST_1";
        DefaultMQProducer producer = context.connect(new DefaultMQProducer(context.group("producer")));
        producer.setNamespace(namespace);
        context.start(producer);
        DefaultMQProducer outside = context.producer();
        String topic = context.topic();
        context.send(producer, topic, 0, 2);
        String group = context.group("a");
        for (int round = 0; round < 2; round++) {
            boolean refuses = round == 1;
            Received received = new Received() {
                @Override
                public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext consume) {
                    super.consumeMessage(batch, consume);
                    if (!refuses || batch.get(0).getReconsumeTimes() > 0) {
                        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
                    }
                    consume.setDelayLevelWhenNextConsume(1);
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
            };
            var consumer = context.connect(new org.apache.rocketmq.client.consumer.DefaultMQPushConsumer(group));
            consumer.setNamespace(namespace);
            consumer.setConsumeFromWhere(org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
            consumer.subscribe(topic, "*");
            context.start(consumer, received);
            if (!refuses) {
                received.awaitExactly(context, "the consumer", Context.bodies(0, 2));
                consumer.shutdown();
                continue;
            }
            context.send(producer, topic, 2, 3);
            context.eventually("the message comes again", () -> received.count() == 2);
            context.checkEquals(topic, received.messages().get(1).getTopic(), "topic without the namespace");
        }
        List<?> queues = outside.fetchPublishMessageQueues(namespace + "%" + topic);
        context.checkEquals(4, queues.size(), "queues of the topic under its whole name");
        context.checkEquals(1, outside.fetchPublishMessageQueues("%RETRY%" + namespace + "%" + group).size(),
            "queues of the retry topic");
    }
}
