package interop;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;

/** JSON lines on standard output: the only thing that this program says to whoever started it. */
final class Report {
    private Report() {
    }

    /** Prints one line; {@code fields} are names and values in turn. */
    static synchronized void line(String scenario, Object... fields) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("scenario", scenario);
        for (int i = 0; i < fields.length; i += 2) {
            object.put((String) fields[i], fields[i + 1]);
        }
        System.out.println(RemotingSerializable.toJson(object, false));
        System.out.flush();
    }
}
