/**
 * Sends metrics to an OTLP endpoint, in JSON over HTTP, every so often. Deno has an exporter of its own, but takes no
 * histograms that are counted already, and a compiled program could not turn it on or off.
 */

import { type Log, RateLimit } from "../log.ts";
import type { MetricRegistry } from "./metric.ts";
import { otlpRequests } from "./otlp.ts";
import type { OtlpSettings } from "./otlp_settings.ts";

export interface OtlpExportOptions {
  settings: OtlpSettings;
  registry: MetricRegistry;
  /** When counting began, in milliseconds since the epoch. */
  startTimestamp: number;
  now: () => number;
  log: Log;
}

const WARNING_MILLIS = 60_000;

export class OtlpExport implements AsyncDisposable {
  readonly #options: OtlpExportOptions;
  readonly #warnings = new RateLimit(WARNING_MILLIS);
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(options: OtlpExportOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#send(), options.settings.intervalMillis);
  }

  /** One at a time; a slow endpoint is sent to less often. Never rejects. */
  #send(): Promise<void> {
    return this.#sending ??= this.#sendAll().catch((error) => {
      const { settings: { endpoint }, now, log } = this.#options;
      const suppressed = this.#warnings.allow(now());
      if (suppressed === undefined) return;
      log.warn("cannot send metrics", { endpoint, error, suppressed });
    }).finally(() => this.#sending = undefined);
  }

  async #sendAll(): Promise<void> {
    const { settings, registry, startTimestamp, now } = this.#options;
    await registry.prepare();
    const headers = [...settings.headers, ["content-type", "application/json"] as const];
    const options = { resource: settings.resource, startTimestamp, now: now() };
    for (const body of otlpRequests(registry, options)) {
      const signal = AbortSignal.any([
        AbortSignal.timeout(settings.timeoutMillis),
        this.#stop.signal,
      ]);
      const init = { method: "POST", headers: headers.map(([k, v]): [string, string] => [k, v]) };
      const response = await fetch(settings.endpoint, { ...init, body, signal });
      const text = await response.text();
      if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 200)}`);
    }
  }

  /** Stops; what is being sent is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#sending;
  }
}
