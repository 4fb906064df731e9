import { assertEquals } from "@std/assert";
import { otlpSettings } from "../../../server/metrics/otlp_settings.ts";

function read(environment: Record<string, string>) {
  const warnings: string[] = [];
  return { settings: otlpSettings(environment, (message) => warnings.push(message)), warnings };
}

Deno.test("otlpSettings() is off unless an endpoint or OTEL_DENO asks for it", () => {
  const ENDPOINT = "http://collector:4318";
  const off = [
    {},
    { OTEL_SERVICE_NAME: "x" },
    { OTEL_DENO: "false" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: "True" },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_METRICS_EXPORTER: "none" },
    { OTEL_DENO: "1", OTEL_EXPORTER_OTLP_PROTOCOL: "console" },
  ];
  for (const environment of off) {
    assertEquals(read(environment), { settings: undefined, warnings: [] });
  }
  assertEquals(read({ OTEL_DENO: "true" }).settings?.endpoint, "http://localhost:4318/v1/metrics");
});

Deno.test("otlpSettings() takes what is for metrics before what is for all", () => {
  const { settings, warnings } = read({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://all:4318",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://metrics/api/otlp",
    OTEL_EXPORTER_OTLP_HEADERS: "a=1",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "key=a%20b%3D, tenant=7",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=other,zone=eu",
    OTEL_SERVICE_NAME: "shop",
    OTEL_METRIC_EXPORT_INTERVAL: "5000",
    OTEL_EXPORTER_OTLP_TIMEOUT: "no number",
  });
  assertEquals(warnings, []);
  assertEquals(settings, {
    endpoint: "https://metrics/api/otlp",
    headers: [["key", "a b="], ["tenant", "7"]],
    resource: [["service.name", "shop"], ["zone", "eu"]],
    intervalMillis: 5_000,
    timeoutMillis: 10_000,
  });
});

Deno.test("otlpSettings() says what it cannot do as asked", () => {
  const grpc = read({ OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" });
  assertEquals([grpc.settings, grpc.warnings.length], [undefined, 1]);
  const protobuf = read({ OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" });
  assertEquals([protobuf.settings?.intervalMillis, protobuf.warnings.length], [60_000, 1]);
  const bad = read({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "collector" });
  assertEquals([bad.settings, bad.warnings], [
    undefined,
    ["metrics are not sent: collector is no URL"],
  ]);
});
