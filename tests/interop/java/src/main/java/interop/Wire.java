package interop;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RequestCode;
import org.apache.rocketmq.remoting.protocol.ResponseCode;
import org.apache.rocketmq.remoting.protocol.SerializeType;

/** What went over a client's connections, in both directions: facts that the client's own API hides. */
final class Wire implements RPCHook {
    private final ConcurrentHashMap<Integer, AtomicInteger> requests = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Integer, String> addresses = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<SerializeType> serializeTypes = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<MessageExt> pulled = new ConcurrentLinkedQueue<>();

    /** Also called for the requests that the broker sends. */
    @Override
    public void doBeforeRequest(String remoteAddr, RemotingCommand request) {
        requests.computeIfAbsent(request.getCode(), code -> new AtomicInteger()).incrementAndGet();
        addresses.put(request.getCode(), remoteAddr);
        if (request.getCode() != RequestCode.NOTIFY_CONSUMER_IDS_CHANGED) {
            serializeTypes.add(request.getSerializeTypeCurrentRPC());
        }
    }

    @Override
    public void doAfterResponse(String remoteAddr, RemotingCommand request, RemotingCommand response) {
        boolean found = response != null && response.getCode() == ResponseCode.SUCCESS && response.getBody() != null;
        if (request.getCode() == RequestCode.PULL_MESSAGE && found) {
            pulled.addAll(MessageDecoder.decodes(ByteBuffer.wrap(response.getBody())));
        }
    }

    int count(int requestCode) {
        AtomicInteger count = requests.get(requestCode);
        return count == null ? 0 : count.get();
    }

    /** Where the last request with this code went. */
    String address(int requestCode) {
        return addresses.get(requestCode);
    }

    /** How the client's own requests were encoded. */
    List<SerializeType> serializeTypes() {
        return serializeTypes.stream().distinct().toList();
    }

    /** The messages as the broker sent them, before the client filtered them. */
    List<MessageExt> pulled() {
        return new ArrayList<>(pulled);
    }
}
