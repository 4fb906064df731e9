import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { DELETE_TOPIC_IN_BROKER } from "../../client/protocol/commands/admin_topic.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Family, parseMetrics, valueOf } from "../helpers/metrics_text.ts";
import { runMetricsWorkload } from "../helpers/metrics_workload.ts";
import {
  APACHE_COMMON_LABELS,
  APACHE_METRICS,
  NOT_SERVED,
} from "../server/metrics/apache_metrics.ts";

async function scrape(port: number, accept = "text/plain"): Promise<Family[]> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });
  assertEquals(response.status, 200);
  const isOpenMetrics = response.headers.get("content-type")!.includes("openmetrics");
  assertEquals(isOpenMetrics, accept.includes("openmetrics"));
  return parseMetrics(await response.text(), isOpenMetrics ? "openmetrics" : "prometheus");
}

function promPortOf({ banner }: Comet): number {
  return Number(/and at port (\d+)/.exec(banner)![1]);
}

Deno.test("/metrics counts what is sent, pulled, popped, committed and delayed, under Apache's names and labels", async () => {
  const prom = ["metricsExporterType=PROM", "metricsPromExporterPort=0", "metricsLabel=rack:7"];
  const flags = prom.flatMap((setting) => ["--set", setting]);
  await using comet = await startComet(Deno.makeTempDirSync(), flags);
  await using _clients = await runMetricsWorkload(comet.brokerPort);
  const families = await scrape(comet.httpPort);
  checkValues(families);
  checkNames(families);
  const openMetrics = await scrape(comet.httpPort, "application/openmetrics-text;version=1.0.0");
  checkValues(openMetrics);
  const apachePort = await scrape(promPortOf(comet));
  assertEquals(apachePort.map(({ name }) => name), families.map(({ name }) => name));
});

function checkValues(families: Family[]): void {
  const check = (name: string, labels: Record<string, string>, expected: number) =>
    assertEquals(valueOf(families, `rocketmq_${name}`, labels), expected, JSON.stringify(labels));
  const broker = { cluster: "DefaultCluster", node_type: "broker", node_id: "broker-a", rack: "7" };
  check("messages_in_total", { topic: "Plain", message_type: "normal", ...broker }, 3);
  check("messages_in_total", { topic: "Ordered", message_type: "fifo" }, 1);
  check("messages_in_total", { topic: "Delayed", message_type: "delay", is_system: "false" }, 1);
  check("messages_in_total", { topic: "SCHEDULE_TOPIC_XXXX", is_system: "true" }, 1);
  check("messages_in_total", { topic: "rmq_sys_wheel_timer", message_type: "delay" }, 2);
  check("messages_in_total", { topic: "RMQ_SYS_TRANS_HALF_TOPIC" }, 3);
  assertEquals(valueOf(families, "rocketmq_messages_in_total", { topic: "%DLQ%g" }), undefined);
  check("message_size_count", { topic: "Plain" }, 3);
  const bytes = valueOf(families, "rocketmq_throughput_in_total", { topic: "Plain" })!;
  assert(bytes > 3 * 91 && bytes < 3 * 1_024, `${bytes} bytes of 3 messages`);
  check("message_size_sum", { topic: "Plain" }, bytes);
  check("message_size_bucket", { topic: "Plain", le: "1024.0" }, 3);
  check("messages_out_total", { topic: "Plain", consumer_group: "g" }, 4);
  check("messages_out_total", { topic: "Popped", is_retry: "false" }, 2);
  check("messages_out_total", { topic: "Popped", is_retry: "true" }, 1);
  check("consumer_lag_messages", { topic: "Plain", consumer_group: "g" }, 2);
  check("consumer_inflight_messages", { topic: "Plain", consumer_group: "g" }, 2);
  check("consumer_ready_messages", { topic: "Plain", consumer_group: "g" }, 0);
  check("consumer_lag_messages", { topic: "Popped", is_retry: "false" }, 0);
  check("consumer_inflight_messages", { topic: "Popped", is_retry: "true" }, 1);
  assert(valueOf(families, "rocketmq_consumer_lag_latency_milliseconds", { topic: "Plain" })! > 0);
  check("send_to_dlq_messages_total", { topic: "Plain", consumer_group: "g" }, 1);
  check("commit_messages_total", { topic: "Transactions" }, 1);
  check("rollback_messages_total", { topic: "Transactions" }, 1);
  check("finish_message_latency_milliseconds_count", { topic: "Transactions" }, 1);
  check("half_messages", { topic: "Transactions" }, 1);
  check("timer_enqueue_total", { topic: "Later" }, 1);
  check("timer_dequeue_total", { topic: "Delayed" }, 1);
  check("timing_messages", { topic: "Later", storage_type: "local" }, 1);
  check("timer_message_snapshot", { timer_bound_s: "3600" }, 1);
  check("pop_revive_in_message_total", { topic: "Popped", revive_message_type: "ACK" }, 1);
  check("pop_revive_retry_messages_total", { topic: "Popped" }, 1);
  check("consumer_connections", { consumer_group: "popper", consume_mode: "pop" }, 1);
  check("producer_connections", { version: "v5_3_3" }, 2);
  check("rpc_latency_milliseconds_count", { request_code: "end_transaction" }, 2);
  check("rpc_latency_milliseconds_count", {
    request_code: "pull_message",
    response_code: "pull_not_found",
    is_long_polling: "true",
  }, 1);
  check("topic_create_execution_time_milliseconds_count", { invocation_status: "success" }, 6);
  assert(valueOf(families, "comet_sync_seconds_count")! > 0);
  assert(valueOf(families, "comet_stored_messages_total")! >= 14);
  assertEquals(valueOf(families, "comet_waiting_timers"), 1);
  assertEquals(valueOf(families, "comet_open_transactions"), 1);
  assertEquals(valueOf(families, "comet_pop_in_flight_messages"), 1);
  assert(valueOf(families, "comet_namesrv_topics")! > 6);
  assertEquals(valueOf(families, "comet_namesrv_brokers"), 1);
  assert(valueOf(families, "comet_connections")! >= 2);
  assert(valueOf(families, "comet_process_cpu_seconds_total")! > 0);
  assert(valueOf(families, "comet_event_loop_lag_seconds_count")! > 0);
}

/** Every metric that Apache's broker has after the same, with the same labels and buckets. */
function checkNames(families: Family[]): void {
  const missing = APACHE_METRICS.filter(({ name, kind, labels, bounds }) => {
    if (name in NOT_SERVED) return false;
    const family = families.find((family) => family.name === name);
    if (family?.kind !== kind) return true;
    const expected = [...labels, ...APACHE_COMMON_LABELS, "rack"].sort().join();
    const alike = family.samples.filter(({ labels }) =>
      Object.keys(labels).filter((label) => label !== "le").sort().join() === expected
    );
    const les = new Set(alike.flatMap(({ labels }) => labels["le"] ?? []));
    return alike.length === 0 || bounds.some((bound) => !les.has(bound)) ||
      les.size !== bounds.length;
  });
  assertEquals(missing, []);
  const known = new Set(APACHE_METRICS.map(({ name }) => name));
  const extra = families.filter(({ name }) => name.startsWith("rocketmq_") && !known.has(name));
  assertEquals(extra.map(({ name }) => name), []);
}

Deno.test("/metrics of a name server alone has no broker's metrics, and only GET is taken", async () => {
  await using comet = await startComet(Deno.makeTempDirSync(), [], "namesrv");
  const families = await scrape(comet.httpPort);
  assertEquals(valueOf(families, "comet_namesrv_brokers"), 0);
  assertEquals(families.filter(({ name }) => name.startsWith("rocketmq_")), []);
  const posted = await fetch(`http://127.0.0.1:${comet.httpPort}/metrics`, { method: "POST" });
  assertEquals([posted.status, await posted.text()], [405, "Metrics can only be read\n"]);
});

Deno.test("a topic that is deleted leaves no series behind", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  await client.send("Gone", encodeUtf8("x"));
  await client.pull("Gone", {});
  const series = async () =>
    (await scrape(comet.httpPort)).flatMap(({ samples }) => samples)
      .filter(({ labels }) => labels["topic"] === "Gone");
  assertNotEquals(await series(), []);
  await client.invoke(DELETE_TOPIC_IN_BROKER, { topic: "Gone" });
  assertEquals(await series(), []);
});

interface OtlpPoint {
  attributes: { key: string; value: { stringValue: string } }[];
  asDouble?: number;
  count?: string;
  bucketCounts?: string[];
  explicitBounds?: number[];
  startTimeUnixNano: string;
  timeUnixNano: string;
}
interface OtlpMetric {
  name: string;
  unit: string;
  gauge?: { dataPoints: OtlpPoint[] };
  sum?: { dataPoints: OtlpPoint[]; isMonotonic: boolean; aggregationTemporality: number };
  histogram?: { dataPoints: OtlpPoint[]; aggregationTemporality: number };
}

Deno.test("with OTEL_EXPORTER_OTLP_ENDPOINT the same metrics are sent as OTLP", async () => {
  const metrics = new Map<string, OtlpMetric>();
  const seen: { path: string; key: string | null; service: string }[] = [];
  await using receiver = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { resourceMetrics: [{ resource, scopeMetrics }] } = await request.json();
      for (const scope of scopeMetrics) {
        for (const metric of scope.metrics as OtlpMetric[]) metrics.set(metric.name, metric);
      }
      seen.push({
        path: new URL(request.url).pathname,
        key: request.headers.get("x-key"),
        service: resource.attributes.find(({ key }: { key: string }) =>
          key === "service.name"
        ).value
          .stringValue,
      });
      return Response.json({});
    },
  );
  const folder = Deno.makeTempDirSync();
  const zero = ["--namesrv-port", "0", "--broker-port", "0", "--http-port", "0"];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "serve", "--data", folder, ...zero],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.addr.port}/`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
      OTEL_SERVICE_NAME: "shop",
      OTEL_METRIC_EXPORT_INTERVAL: "100",
    },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const [banner, rest] = child.stdout.tee();
  const drained = rest.pipeTo(new WritableStream());
  const reader = banner.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("/healthz")) text += (await reader.read()).value;
  {
    await using client = new TestClient(Number(/broker .*?:(\d+)/.exec(text)![1]));
    await client.send("Sent", encodeUtf8("x"));
    const points = () => metrics.get("rocketmq_messages_in_total")?.sum?.dataPoints ?? [];
    await eventually("the message is told of", () => points().length > 0);
    const { sum } = metrics.get("rocketmq_messages_in_total")!;
    assertEquals([sum!.isMonotonic, sum!.aggregationTemporality], [true, 2]);
    const [point] = sum!.dataPoints;
    assertEquals(point!.asDouble, 1);
    const attributes = Object.fromEntries(
      point!.attributes.map(({ key, value }) => [key, value.stringValue]),
    );
    assertEquals(attributes, {
      cluster: "DefaultCluster",
      node_type: "broker",
      node_id: "broker-a",
      topic: "Sent",
      message_type: "normal",
      is_system: "false",
    });
    assert(BigInt(point!.timeUnixNano) > BigInt(point!.startTimeUnixNano));
    const latency = metrics.get("rocketmq_rpc_latency")!;
    assertEquals(latency.unit, "milliseconds");
    const [sent] = latency.histogram!.dataPoints;
    assertEquals(sent!.bucketCounts!.length, sent!.explicitBounds!.length + 1);
    assertEquals(metrics.get("rocketmq_topic_number")!.gauge!.dataPoints.length, 1);
    assertEquals(seen[0], { path: "/v1/metrics", key: "a b", service: "shop" });
  }
  child.kill("SIGTERM");
  await reader.cancel();
  await drained;
  assertEquals((await child.status).code, 0);
});
