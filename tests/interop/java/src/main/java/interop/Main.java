package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Runs scenarios against a RocketMQ server: {@code list}, or {@code run NAMESRV RUN_ID SCENARIO...}. Exits with 1 when
 * a scenario failed.
 */
public final class Main {
    private static final List<Scenario> SCENARIOS = List.of(
        Scenario.of("sync send", SendScenarios::sync),
        Scenario.of("async send", SendScenarios::async),
        Scenario.of("oneway send", SendScenarios::oneway),
        Scenario.of("batch send", SendScenarios::batch),
        Scenario.of("large, compressed and UTF-8 messages", SendScenarios::contents),
        Scenario.of("VIP channel", SendScenarios::vipChannel),
        Scenario.of("consumer group shares queues", PushScenarios::sharedQueues),
        Scenario.of("broadcast", PushScenarios::broadcast),
        Scenario.of("tags", PushScenarios::tags),
        Scenario.of("consumer restart keeps offsets", PushScenarios::consumerRestart),
        Scenario.of("retry", PushScenarios::retry),
        Scenario.of("long polling latency", PushScenarios::latency),
        Scenario.of("orderly consumer", OrderlyScenarios::order),
        Scenario.of("orderly consumers lock queues", OrderlyScenarios::locks),
        Scenario.of("lite pull consumer: assign", PullScenarios::liteAssign),
        Scenario.of("lite pull consumer: subscribe", PullScenarios::liteSubscribe),
        Scenario.of("pull consumer", PullScenarios::pull),
        Scenario.of("SQL92: push consumer", FilterScenarios::push),
        Scenario.of("SQL92: another expression", FilterScenarios::resubscribe),
        Scenario.of("SQL92: lite pull consumer", FilterScenarios::lite),
        Scenario.of("SQL92: pull consumer", FilterScenarios::pull),
        Scenario.of("request and reply", RequestScenarios::run),
        Scenario.of("request that nobody answers", RequestScenarios::unanswered),
        Scenario.of("POP: push consumer", PopScenarios::push),
        Scenario.of("POP: consumers share queues", PopScenarios::shared),
        Scenario.of("POP: tags", PopScenarios::tags),
        Scenario.of("POP: by hand", PopScenarios::byHand),
        Scenario.of("POP: in order", PopScenarios::inOrder),
        Scenario.of("transaction: commit and rollback", TransactionScenarios::ends),
        Scenario.of("transaction: check-back", TransactionScenarios::checks),
        Scenario.of("transaction: check-back of another producer", TransactionScenarios::otherProducer),
        Scenario.of("timer: delays and times", TimerScenarios::times),
        Scenario.of("timer: recall", TimerScenarios::recall),
        Scenario.of("timer: a year is the limit", TimerScenarios::limit),
        Scenario.of("message types of topics", ConfigScenarios::messageTypes),
        Scenario.of("retry policy and dead letters", ConfigScenarios::retryPolicy),
        Scenario.of("namespace", ConfigScenarios::namespace),
        Scenario.of("light queues", LightQueueScenarios::pull),
        Scenario.of("management: a consumer's status", ManagementScenarios::status),
        Scenario.of("management: consume directly", ManagementScenarios::consumeDirectly),
        Scenario.of("management: reset offset", ManagementScenarios::resetOffset),
        Scenario.of("query by key and id", QueryScenarios::keysAndIds),
        Scenario.of("offsets by time", QueryScenarios::offsetsByTime),
        Scenario.serialized("serialize type JSON", "JSON", SerializeScenarios::run),
        Scenario.serialized("serialize type ROCKETMQ", "ROCKETMQ", SerializeScenarios::run),
        Scenario.restarting("transaction: server restart: graceful",
            context -> TransactionScenarios.serverRestart(context, "graceful")),
        Scenario.restarting("transaction: server restart: kill -9",
            context -> TransactionScenarios.serverRestart(context, "kill")),
        Scenario.restarting("timer: server restart: graceful",
            context -> TimerScenarios.serverRestart(context, "graceful")),
        Scenario.restarting("timer: server restart: kill -9",
            context -> TimerScenarios.serverRestart(context, "kill")),
        Scenario.restarting("server restart: graceful", context -> RestartScenarios.run(context, "graceful")),
        Scenario.restarting("server restart: kill -9", context -> RestartScenarios.run(context, "kill")),
        Scenario.restarting("orderly consumers: server restart: graceful",
            context -> OrderlyScenarios.serverRestart(context, "graceful")),
        Scenario.restarting("orderly consumers: server restart: kill -9",
            context -> OrderlyScenarios.serverRestart(context, "kill")),
        Scenario.restarting("light queues: server restart: graceful",
            context -> LightQueueScenarios.serverRestart(context, "graceful")),
        Scenario.restarting("light queues: server restart: kill -9",
            context -> LightQueueScenarios.serverRestart(context, "kill")),
        Scenario.restarting("POP: server restart: graceful", context -> PopScenarios.restart(context, "graceful")),
        Scenario.restarting("POP: server restart: kill -9", context -> PopScenarios.restart(context, "kill")));

    private Main() {
    }

    public static void main(String[] args) {
        if (args.length == 1 && args[0].equals("list")) {
            for (Scenario scenario : SCENARIOS) {
                Report.line(scenario.name(), "serializeType", scenario.serializeType(), "restartsServer",
                    scenario.restartsServer());
            }
            return;
        }
        if (args.length < 4 || !args[0].equals("run")) {
            System.err.println("usage: list | run NAMESRV RUN_ID SCENARIO...");
            System.exit(2);
        }
        BufferedReader answers = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        boolean passed = true;
        for (String name : Arrays.asList(args).subList(3, args.length)) {
            passed &= run(find(name), new Context(args[1], args[2], name, answers));
        }
        // Not a return: threads of the client may outlive its shutdown.
        System.exit(passed ? 0 : 1);
    }

    private static Scenario find(String name) {
        return SCENARIOS.stream().filter(scenario -> scenario.name().equals(name)).findFirst()
            .orElseThrow(() -> new IllegalArgumentException("no scenario is called " + name));
    }

    private static boolean run(Scenario scenario, Context context) {
        Report.line(scenario.name(), "started", true);
        long start = System.nanoTime();
        String reason = null;
        try (context) {
            scenario.body().run(context);
        } catch (Throwable error) {
            reason = error instanceof CheckFailed ? error.getMessage() : describe(error);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (reason == null) {
            Report.line(scenario.name(), "ok", true, "seconds", seconds, "note", context.note());
        } else {
            Report.line(scenario.name(), "ok", false, "seconds", seconds, "reason", reason);
        }
        return reason == null;
    }

    /** The chain of causes and where it began, in one line. */
    private static String describe(Throwable error) {
        StringBuilder text = new StringBuilder(error.toString());
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            text.append("; caused by ").append(cause);
        }
        for (StackTraceElement element : error.getStackTrace()) {
            if (element.getClassName().startsWith("interop.")) {
                return text.append(" at ").append(element).toString();
            }
        }
        return text.toString();
    }
}
