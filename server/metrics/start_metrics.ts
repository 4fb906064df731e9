/** The metrics of a process: collected for whoever scrapes, and sent to whoever was named. */

import type { Config } from "../config.ts";
import { takePort } from "../listen.ts";
import type { Log } from "../log.ts";
import { EventLoopLag } from "./event_loop.ts";
import type { MetricRegistry } from "./metric.ts";
import { metricsResponse } from "./metrics_response.ts";
import { OtlpExport } from "./otlp_export.ts";
import { otlpSettings } from "./otlp_settings.ts";
import { createRegistry, type MetricSources } from "./registry.ts";

export interface MetricsOptions extends Omit<MetricSources, "process"> {
  config: Config;
  version: string;
  environment: Readonly<Record<string, string>>;
  log: Log;
}

export interface Metrics extends AsyncDisposable {
  readonly registry: MetricRegistry;
  /** Where they are served beside the HTTP port, as Apache's broker does; undefined for nowhere. */
  readonly promPort: number | undefined;
}

const HANDLES_FOLDER = "/proc/self/fd";

/** Begins. @throws when metricsPromExporterPort is taken. */
export async function startMetrics(options: MetricsOptions): Promise<Metrics> {
  const { config, version, environment, broker, namesrv, log } = options;
  await using stack = new AsyncDisposableStack();
  const { lag: eventLoopLag } = stack.use(new EventLoopLag());
  const startTimestamp = performance.timeOrigin;
  const process = { version, startTimestamp, eventLoopLag, handlesFolder: HANDLES_FOLDER };
  const registry = createRegistry(config, { process, broker, namesrv });
  const settings = otlpSettings(environment, (message) => log.warn(message));
  if (settings !== undefined) {
    log.info("metrics are sent", { endpoint: settings.endpoint });
    stack.use(new OtlpExport({ settings, registry, startTimestamp, now: Date.now, log }));
  }
  if (config.metricsExporterType === "OTLP_GRPC" || config.metricsExporterType === "LOG") {
    log.warn(
      "metricsExporterType has no effect; set OTEL_EXPORTER_OTLP_ENDPOINT to have metrics sent, or scrape /metrics",
      { metricsExporterType: config.metricsExporterType },
    );
  }
  const promPort = config.metricsExporterType === "PROM"
    ? stack.use(servePromPort(config, registry)).port
    : undefined;
  const parts = stack.move();
  return { registry, promPort, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Answers every path, as Apache's broker does. */
function servePromPort(
  config: Config,
  registry: MetricRegistry,
): AsyncDisposable & { port: number } {
  const hostname = config.metricsPromExporterHost || config.bindAddress;
  const port = config.metricsPromExporterPort;
  const server = takePort(
    hostname,
    port,
    "--set metricsPromExporterPort",
    () =>
      Deno.serve(
        { hostname, port, onListen: () => {} },
        (request) => metricsResponse(registry, request),
      ),
  );
  return {
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
