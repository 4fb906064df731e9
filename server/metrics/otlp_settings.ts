/** Whether and where metrics are sent to, by OpenTelemetry's own environment variables. */

export interface OtlpSettings {
  /** With its path. */
  endpoint: string;
  headers: readonly (readonly [name: string, value: string])[];
  resource: readonly (readonly [name: string, value: string])[];
  intervalMillis: number;
  timeoutMillis: number;
}

type Environment = Readonly<Record<string, string>>;

const DEFAULT_ENDPOINT = "http://localhost:4318";
const METRICS_PATH = "v1/metrics";

/** Reads them; undefined when nothing is to be sent. `warn` is told what cannot be done as asked. */
export function otlpSettings(
  environment: Environment,
  warn: (message: string) => void,
): OtlpSettings | undefined {
  const read = (name: string) => environment[name]?.trim() || undefined;
  /** What holds for metrics counts before what holds for all. */
  const readOtlp = (name: string) =>
    read(`OTEL_EXPORTER_OTLP_METRICS_${name}`) ?? read(`OTEL_EXPORTER_OTLP_${name}`);
  const isAsked = readOtlp("ENDPOINT") !== undefined ||
    ["true", "1"].includes(read("OTEL_DENO") ?? "");
  const isForbidden = read("OTEL_SDK_DISABLED")?.toLowerCase() === "true" ||
    read("OTEL_METRICS_EXPORTER") === "none";
  if (!isAsked || isForbidden) return undefined;
  const protocol = readOtlp("PROTOCOL");
  if (protocol === "console") return undefined;
  if (protocol === "grpc") {
    warn(
      "metrics cannot be sent by gRPC; set OTEL_EXPORTER_OTLP_PROTOCOL=http/json and an endpoint for HTTP",
    );
    return undefined;
  }
  if (protocol === "http/protobuf") {
    warn("metrics are sent as http/json, which OTLP endpoints take too");
  }
  const endpoint = read("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") ??
    `${
      (read("OTEL_EXPORTER_OTLP_ENDPOINT") ?? DEFAULT_ENDPOINT).replace(/\/+$/, "")
    }/${METRICS_PATH}`;
  if (!URL.canParse(endpoint)) {
    warn(`metrics are not sent: ${endpoint} is no URL`);
    return undefined;
  }
  const attributes = new Map([
    ["service.name", "comet"],
    ...pairsOf(read("OTEL_RESOURCE_ATTRIBUTES")),
  ]);
  const serviceName = read("OTEL_SERVICE_NAME");
  if (serviceName !== undefined) attributes.set("service.name", serviceName);
  return {
    endpoint,
    headers: pairsOf(readOtlp("HEADERS")),
    resource: [...attributes],
    intervalMillis: positive(read("OTEL_METRIC_EXPORT_INTERVAL"), 60_000),
    timeoutMillis: positive(readOtlp("TIMEOUT"), 10_000),
  };
}

/** `name=value,name=value`, where values are percent-encoded. */
function pairsOf(text = ""): [name: string, value: string][] {
  return text.split(",").filter((pair) => pair.includes("=")).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is not encoded, then.
    return text;
  }
}

function positive(text: string | undefined, fallback: number): number {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : fallback;
}
