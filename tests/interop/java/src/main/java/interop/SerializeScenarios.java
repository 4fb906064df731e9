package interop;

import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.SerializeType;

/** The two encodings of a frame's header. */
final class SerializeScenarios {
    private static final int COUNT = 20;

    private SerializeScenarios() {
    }

    /** Send, consume, stop, continue: all that a client does, in the encoding of this process. */
    static void run(Context context) throws Exception {
        SerializeType expected = RemotingCommand.getSerializeTypeConfigInThisServer();
        context.checkEquals(System.getProperty("rocketmq.serialize.type"), expected.name(), "serialize type");
        String topic = context.topic();
        Wire producerWire = new Wire();
        DefaultMQProducer producer = context.start(
            context.connect(new DefaultMQProducer(context.group("producer"), producerWire)));
        List<SendResult> results = context.send(producer, topic, 0, COUNT - 1);
        Message last = new Message(topic, "тег", "ключ", ("m-" + (COUNT - 1)).getBytes());
        last.putUserProperty("имя", "значение 😀");
        results.add(producer.send(last));
        SendScenarios.checkResults(context, producer, results);

        for (int round = 0; round < 2; round++) {
            Wire wire = new Wire();
            Received received = new Received();
            DefaultMQPushConsumer consumer = context.start(
                context.consumer(context.group("a"), topic, "*", wire), received);
            received.awaitExactly(context, "consumer " + round, Context.bodies(COUNT * round, COUNT * (round + 1)));
            checkUnicode(context, received, round);
            consumer.shutdown();
            context.checkEquals(List.of(expected), wire.serializeTypes(), "encoding of the consumer's requests");
            context.send(producer, topic, COUNT * (round + 1), COUNT * (round + 2));
        }
        context.checkEquals(List.of(expected), producerWire.serializeTypes(), "encoding of the producer's requests");
    }

    private static void checkUnicode(Context context, Received received, int round) {
        if (round > 0) {
            return;
        }
        MessageExt message = received.messages().stream()
            .filter(found -> Received.body(found).equals("m-" + (COUNT - 1))).findFirst().orElseThrow();
        context.checkEquals("тег", message.getTags(), "tags");
        context.checkEquals("ключ", message.getKeys(), "keys");
        context.checkEquals("значение 😀", message.getUserProperty("имя"), "property");
    }
}
