package interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.message.MessageExt;

/** The messages that a consumer got, in order of arrival. */
class Received implements MessageListenerConcurrently {
    private final List<MessageExt> messages = new ArrayList<>();

    @Override
    public ConsumeConcurrentlyStatus consumeMessage(List<MessageExt> batch, ConsumeConcurrentlyContext context) {
        add(batch);
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    }

    synchronized void add(List<MessageExt> batch) {
        messages.addAll(batch);
    }

    synchronized List<MessageExt> messages() {
        return new ArrayList<>(messages);
    }

    synchronized int count() {
        return messages.size();
    }

    List<String> bodies() {
        return messages().stream().map(Received::body).toList();
    }

    Set<String> distinct() {
        return new HashSet<>(bodies());
    }

    /** Waits for these bodies, and fails when others came, or one of them twice. */
    void awaitExactly(Context context, String who, List<String> expected) throws InterruptedException {
        context.eventually(who + " gets " + expected.size() + " messages", () -> count() >= expected.size());
        List<String> bodies = bodies();
        context.checkEquals(new HashSet<>(expected), new HashSet<>(bodies), "what " + who + " got");
        context.check(bodies.size() == expected.size(),
            who + " got " + bodies.size() + " messages, " + expected.size() + " of them different");
    }

    static String body(MessageExt message) {
        return new String(message.getBody(), StandardCharsets.UTF_8);
    }
}
