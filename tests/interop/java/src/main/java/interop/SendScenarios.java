package interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RequestCode;

/** Producers. The topics do not exist before: the first send creates them. */
final class SendScenarios {
    private static final int COUNT = 40;
    /** What a producer makes of a topic that it creates; the broker's default may be higher. */
    private static final int QUEUE_COUNT = 4;
    private static final int MESSAGE_FLAG = 0x7FFF_1234;
    /** Longer when it holds an IPv6 address. */
    private static final Pattern MSG_ID = Pattern.compile("[0-9A-F]{32}|[0-9A-F]{56}");

    private SendScenarios() {
    }

    static void sync(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        List<SendResult> results = context.send(producer, context.topic(), 0, COUNT);
        checkResults(context, producer, results);
        context.checkEquals(QUEUE_COUNT, producer.fetchPublishMessageQueues(context.topic()).size(), "queues");
    }

    static void async(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        ConcurrentLinkedQueue<SendResult> results = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Throwable> errors = new ConcurrentLinkedQueue<>();
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                results.add(result);
            }

            @Override
            public void onException(Throwable error) {
                errors.add(error);
            }
        };
        for (String body : Context.bodies(0, COUNT)) {
            producer.send(Context.message(context.topic(), body), callback);
        }
        context.eventually("every send is answered", () -> results.size() + errors.size() == COUNT);
        context.check(errors.isEmpty(), errors.size() + " sends failed, the first with " + errors.peek());
        checkResults(context, producer, new ArrayList<>(results));
    }

    static void oneway(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        for (String body : Context.bodies(0, COUNT)) {
            producer.sendOneway(Context.message(context.topic(), body));
        }
        context.eventually(COUNT + " messages are stored",
            () -> Context.maxOffsets(producer, context.topic()).values().stream().mapToLong(Long::longValue).sum()
                == COUNT);
        Received received = new Received();
        context.start(context.consumer(context.group("a"), context.topic(), "*"), received);
        received.awaitExactly(context, "the consumer", Context.bodies(0, COUNT));
    }

    static void batch(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        List<Message> messages = new ArrayList<>();
        for (String body : Context.bodies(0, COUNT)) {
            Message message = Context.message(topic, body);
            message.setTags("tag-" + body);
            message.setKeys("key-" + body);
            messages.add(message);
        }
        SendResult first = producer.send(messages.subList(0, COUNT / 2));
        MessageQueue queue = first.getMessageQueue();
        SendResult second = producer.send(messages.subList(COUNT / 2, COUNT), queue);
        context.checkEquals(0L, first.getQueueOffset(), "queueOffset of the first batch");
        context.checkEquals(COUNT / 2L, second.getQueueOffset(), "queueOffset of the second batch");
        List<String> msgIds = ids(first.getMsgId(), second.getMsgId());
        List<String> offsetMsgIds = ids(first.getOffsetMsgId(), second.getOffsetMsgId());
        context.checkEquals(COUNT, new HashSet<>(msgIds).size(), "different msgIds");
        context.checkEquals(COUNT, new HashSet<>(offsetMsgIds).size(), "different offsetMsgIds");

        Received received = new Received();
        context.start(context.consumer(context.group("a"), topic, "*"), received);
        received.awaitExactly(context, "the consumer", Context.bodies(0, COUNT));
        for (MessageExt message : received.messages()) {
            int place = Integer.parseInt(Received.body(message).substring(2));
            context.checkEquals((long) place, message.getQueueOffset(), "queueOffset of m-" + place);
            context.checkEquals(queue.getQueueId(), message.getQueueId(), "queueId of m-" + place);
            // Not its msgId: Apache gives every message of a batch the batch's own UNIQ_KEY.
            context.checkEquals(offsetMsgIds.get(place), ((MessageClientExt) message).getOffsetMsgId(),
                "offsetMsgId of m-" + place);
            context.checkEquals("tag-m-" + place, message.getTags(), "tags of m-" + place);
            context.checkEquals("key-m-" + place, message.getKeys(), "keys of m-" + place);
        }
    }

    /** 1 MiB that cannot be compressed, text that the client compresses, UTF-8 in every field, no tags. */
    static void contents(Context context) throws Exception {
        DefaultMQProducer producer = context.producer();
        String topic = context.topic();
        byte[] large = new byte[1024 * 1024];
        new Random(1).nextBytes(large);
        byte[] text = "RocketMQ compresses bodies from 4 KiB on. ".repeat(2000).getBytes(StandardCharsets.UTF_8);
        byte[] unicode = "тело 消息 本文 ☃ 😀".getBytes(StandardCharsets.UTF_8);
        producer.send(new Message(topic, null, "large", large));
        producer.send(new Message(topic, "", "text", text));
        Message message = new Message(topic, "метка", "ключ 鍵 unicode", unicode);
        message.putUserProperty("свойство", "значение ☃ 😀 \"quoted\" \\ back");
        message.setFlag(MESSAGE_FLAG);
        producer.send(message);

        Received received = new Received();
        context.start(context.consumer(context.group("a"), topic, "*"), received);
        context.eventually("three messages arrive", () -> received.count() == 3);
        Map<String, MessageExt> byKey = received.messages().stream()
            .collect(Collectors.toMap(found -> found.getKeys(), found -> found));
        MessageExt gotLarge = byKey.get("large");
        MessageExt gotText = byKey.get("text");
        MessageExt gotUnicode = byKey.get("ключ 鍵 unicode");
        context.check(Arrays.equals(large, gotLarge.getBody()), "the body of 1 MiB arrived changed");
        context.check(gotLarge.getTags() == null, "tags appeared: " + gotLarge.getTags());
        context.check(Arrays.equals(text, gotText.getBody()), "the compressed body arrived changed");
        context.check(gotText.getStoreSize() < text.length / 10,
            "the text takes " + gotText.getStoreSize() + " bytes in the store");
        context.check(Arrays.equals(unicode, gotUnicode.getBody()), "the UTF-8 body arrived changed");
        context.checkEquals("метка", gotUnicode.getTags(), "tags");
        context.checkEquals("значение ☃ 😀 \"quoted\" \\ back", gotUnicode.getUserProperty("свойство"), "property");
        context.checkEquals(MESSAGE_FLAG, gotUnicode.getFlag(), "flag");
        context.eventually("the key in UTF-8 is found", () -> producer.queryMessage(topic, "鍵", 32, 0,
            Long.MAX_VALUE).getMessageList().size() == 1);
    }

    /** The second port of a broker, two below the first. */
    static void vipChannel(Context context) throws Exception {
        Wire wire = new Wire();
        DefaultMQProducer producer = context.connect(new DefaultMQProducer(context.group("producer"), wire));
        producer.setVipChannelEnabled(true);
        context.start(producer);
        List<SendResult> results = context.send(producer, context.topic(), 0, COUNT);
        String broker = brokerAddress(results.get(0));
        int port = Integer.parseInt(broker.substring(broker.lastIndexOf(':') + 1));
        String address = wire.address(RequestCode.SEND_MESSAGE_V2);
        context.check(address.endsWith(":" + (port - 2)), "the broker is " + broker + ", the sends went to " + address);
        checkResults(context, producer, results);
    }

    /** Ids of the right form, all different, and in each queue the offsets 0, 1, 2 … */
    static void checkResults(Context context, DefaultMQProducer producer, List<SendResult> results) throws Exception {
        Set<String> msgIds = new HashSet<>();
        Set<String> offsetMsgIds = new HashSet<>();
        Set<String> brokers = new TreeSet<>();
        Map<Integer, Set<Long>> offsets = new TreeMap<>();
        for (SendResult result : results) {
            context.checkEquals(SendStatus.SEND_OK, result.getSendStatus(), "sendStatus");
            context.check(MSG_ID.matcher(result.getMsgId()).matches(), "msgId is " + result.getMsgId());
            context.check(MessageClientIDSetter.getNearlyTimeFromID(result.getMsgId()) != null, "msgId has no time");
            context.check(MSG_ID.matcher(result.getOffsetMsgId()).matches(),
                "offsetMsgId is " + result.getOffsetMsgId());
            msgIds.add(result.getMsgId());
            offsetMsgIds.add(result.getOffsetMsgId());
            brokers.add(brokerAddress(result));
            offsets.computeIfAbsent(result.getMessageQueue().getQueueId(), id -> new TreeSet<>())
                .add(result.getQueueOffset());
        }
        context.step("results", "queues", offsets.keySet(), "brokers", brokers);
        context.checkEquals(results.size(), msgIds.size(), "different msgIds");
        context.checkEquals(results.size(), offsetMsgIds.size(), "different offsetMsgIds");
        context.checkEquals(1, brokers.size(), "brokers in the offsetMsgIds");
        Map<Integer, Set<Long>> dense = new HashMap<>();
        Context.maxOffsets(producer, context.topic()).forEach((queueId, maxOffset) -> dense.put(queueId,
            LongStream.range(0, maxOffset).boxed().collect(Collectors.toSet())));
        context.checkEquals(dense, offsets, "queue offsets, by queueId");
    }

    private static String brokerAddress(SendResult result) throws Exception {
        return MessageDecoder.decodeMessageId(result.getOffsetMsgId()).getAddress().toString().replaceFirst("^.*/", "");
    }

    private static List<String> ids(String... joined) {
        return Arrays.stream(joined).flatMap(ids -> Arrays.stream(ids.split(","))).toList();
    }
}
