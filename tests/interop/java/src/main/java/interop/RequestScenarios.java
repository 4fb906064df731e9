package interop;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** A producer asks, a consumer answers, and the broker takes the answer to who asked. */
final class RequestScenarios {
    private static final int COUNT = 30;
    private static final long TTL_MILLIS = 20_000;

    private RequestScenarios() {
    }

    static void run(Context context) throws Exception {
        String topic = context.topic();
        List<DefaultMQProducer> askers = List.of(context.producer(), context.producer());
        context.send(askers.get(0), topic, 0, 1);
        answer(context, topic);

        Map<String, String> answers = new ConcurrentHashMap<>();
        for (int i = 0; i < COUNT; i++) {
            String question = "q-" + i;
            askers.get(i % askers.size()).request(Context.message(topic, question), new RequestCallback() {
                @Override
                public void onSuccess(Message message) {
                    // This client also calls when its question has been stored, without an answer.
                    if (message != null) {
                        answers.put(question, text(message));
                    }
                }

                @Override
                public void onException(Throwable cause) {
                    answers.put(question, cause.toString());
                }
            }, TTL_MILLIS);
        }
        context.eventually("all answers come", () -> answers.size() == COUNT);
        answers.forEach((question, answer) -> context.checkEquals("re: " + question, answer, "the answer"));
    }

    /**
     * Nobody answers: the one who asked is told so in time. (The synchronous request of 5.3.3 gives up as soon as its
     * question has been stored, with any broker, unless the answer was quicker; so only its failure can be tested.)
     */
    static void unanswered(Context context) throws Exception {
        DefaultMQProducer asker = context.producer();
        long start = System.nanoTime();
        try {
            asker.request(Context.message(context.topic(), "is there anybody"), 1500);
            context.check(false, "an answer came from nobody");
        } catch (RequestTimeoutException expected) {
            long millis = (System.nanoTime() - start) / 1_000_000;
            context.check(millis < 10_000, "the timeout took " + millis + " ms");
        }
    }

    private static void answer(Context context, String topic) throws Exception {
        DefaultMQProducer replier = context.producer();
        DefaultMQPushConsumer consumer = context.consumer(context.group("a"), topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, ignored) -> {
            for (MessageExt message : messages) {
                if (MessageUtil.getReplyToClient(message) == null) {
                    continue;
                }
                byte[] body = ("re: " + text(message)).getBytes(StandardCharsets.UTF_8);
                try {
                    replier.send(MessageUtil.createReplyMessage(message, body), 3000);
                } catch (MQClientException e) {
                    throw new IllegalStateException(e);
                } catch (Exception e) {
                    return ConsumeConcurrentlyStatus.RECONSUME_LATER;
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        context.start(consumer);
    }

    private static String text(Message message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }
}
