package interop;

import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.impl.factory.MQClientInstance;
import org.apache.rocketmq.client.producer.DefaultMQProducer;

/** What an admin asks of the broker, over the connections of a producer that knows a topic's route. */
record Admin(MQClientAPIImpl api, String brokerName, String brokerAddr) {
    static final long TIMEOUT_MILLIS = 10_000;

    static Admin of(DefaultMQProducer producer, String knownTopic) throws Exception {
        MQClientInstance client = producer.getDefaultMQProducerImpl().getMqClientFactory();
        String brokerName = producer.fetchPublishMessageQueues(knownTopic).get(0).getBrokerName();
        return new Admin(client.getMQClientAPIImpl(), brokerName, client.findBrokerAddressInPublish(brokerName));
    }
}
