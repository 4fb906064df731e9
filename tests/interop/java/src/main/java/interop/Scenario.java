package interop;

/**
 * What a user does with a client, and what has to come of it.
 *
 * @param serializeType what {@code rocketmq.serialize.type} has to be in the process that runs it; the client reads it once
 * @param restartsServer whether it asks for a restart of the server; such scenarios run alone
 */
record Scenario(String name, String serializeType, boolean restartsServer, Body body) {
    interface Body {
        void run(Context context) throws Exception;
    }

    static Scenario of(String name, Body body) {
        return new Scenario(name, "JSON", false, body);
    }

    static Scenario serialized(String name, String serializeType, Body body) {
        return new Scenario(name, serializeType, false, body);
    }

    static Scenario restarting(String name, Body body) {
        return new Scenario(name, "JSON", true, body);
    }
}
