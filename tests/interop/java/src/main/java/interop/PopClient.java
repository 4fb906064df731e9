package interop;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.AckCallback;
import org.apache.rocketmq.client.consumer.AckResult;
import org.apache.rocketmq.client.consumer.AckStatus;
import org.apache.rocketmq.client.consumer.PopCallback;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.consumer.PopStatus;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.header.AckMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ChangeInvisibleTimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;
import org.apache.rocketmq.remoting.protocol.header.PopMessageRequestHeader;

/** Pops by hand, with the calls below Java's consumers, as proxies do it. */
final class PopClient {
    private static final long TIMEOUT_MILLIS = 10_000;

    private final MQClientAPIImpl api;
    private final String topic;
    private final String group;
    private final String brokerName;
    private final String broker;

    /** For a topic that has messages. */
    PopClient(DefaultMQProducer producer, String topic, String group) throws Exception {
        MQClientInstance client = producer.getDefaultMQProducerImpl().getMqClientFactory();
        MessageQueue queue = producer.fetchPublishMessageQueues(topic).get(0);
        this.api = client.getMQClientAPIImpl();
        this.topic = topic;
        this.group = group;
        this.brokerName = queue.getBrokerName();
        this.broker = client.findBrokerAddressInPublish(brokerName);
    }

    /** Makes the group's consumers pop the topic, when the broker assigns them their queues. */
    void setPopMode() throws Exception {
        api.setMessageRequestMode(broker, topic, group, MessageRequestMode.POP, 0, TIMEOUT_MILLIS);
    }

    /** The messages that are there for the group within a while. */
    List<MessageExt> pop(int queueId, int maxMsgNums, long invisibleTime, boolean order) throws Exception {
        PopMessageRequestHeader header = new PopMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(queueId);
        header.setMaxMsgNums(maxMsgNums);
        header.setInvisibleTime(invisibleTime);
        header.setPollTime(200);
        header.setBornTime(System.currentTimeMillis());
        header.setInitMode(0);
        header.setExpType("TAG");
        header.setExp("*");
        header.setOrder(order);
        CompletableFuture<PopResult> answer = new CompletableFuture<>();
        api.popMessageAsync(brokerName, broker, header, TIMEOUT_MILLIS, new PopCallback() {
            @Override
            public void onSuccess(PopResult result) {
                answer.complete(result);
            }

            @Override
            public void onException(Throwable error) {
                answer.completeExceptionally(error);
            }
        });
        PopResult result = answer.get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        return result.getPopStatus() == PopStatus.FOUND ? result.getMsgFoundList() : List.of();
    }

    boolean ack(MessageExt message) throws Exception {
        String handle = message.getProperty(MessageConst.PROPERTY_POP_CK);
        String[] parts = ExtraInfoUtil.split(handle);
        AckMessageRequestHeader header = new AckMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(ExtraInfoUtil.getRealTopic(parts, topic, group));
        header.setQueueId(ExtraInfoUtil.getQueueId(parts));
        header.setOffset(ExtraInfoUtil.getQueueOffset(parts));
        header.setExtraInfo(handle);
        Answer answer = new Answer();
        api.ackMessageAsync(broker, TIMEOUT_MILLIS, answer, header);
        return answer.await().getStatus() == AckStatus.OK;
    }

    boolean batchAck(List<MessageExt> messages) throws Exception {
        Answer answer = new Answer();
        List<String> handles = messages.stream().map(message -> message.getProperty(MessageConst.PROPERTY_POP_CK))
            .toList();
        api.batchAckMessageAsync(broker, TIMEOUT_MILLIS, answer, topic, group, handles);
        return answer.await().getStatus() == AckStatus.OK;
    }

    /** Hides a message for another time from now on; its handle changes. */
    boolean hide(MessageExt message, long invisibleTime) throws Exception {
        String handle = message.getProperty(MessageConst.PROPERTY_POP_CK);
        String[] parts = ExtraInfoUtil.split(handle);
        ChangeInvisibleTimeRequestHeader header = new ChangeInvisibleTimeRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(ExtraInfoUtil.getRealTopic(parts, topic, group));
        header.setQueueId(ExtraInfoUtil.getQueueId(parts));
        header.setOffset(ExtraInfoUtil.getQueueOffset(parts));
        header.setExtraInfo(handle);
        header.setInvisibleTime(invisibleTime);
        Answer answer = new Answer();
        api.changeInvisibleTimeAsync(brokerName, broker, header, TIMEOUT_MILLIS, answer);
        AckResult result = answer.await();
        if (result.getStatus() != AckStatus.OK) {
            return false;
        }
        message.getProperties().put(MessageConst.PROPERTY_POP_CK, result.getExtraInfo());
        return true;
    }

    private static final class Answer implements AckCallback {
        private final CompletableFuture<AckResult> result = new CompletableFuture<>();

        @Override
        public void onSuccess(AckResult found) {
            result.complete(found);
        }

        @Override
        public void onException(Throwable error) {
            result.completeExceptionally(error);
        }

        AckResult await() throws Exception {
            return result.get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        }
    }
}
