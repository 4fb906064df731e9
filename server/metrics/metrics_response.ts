/** Answers scrapes. */

import { setImmediate } from "node:timers";
import type { MetricRegistry } from "./metric.ts";
import { CONTENT_TYPES, printPieces } from "./print.ts";

const OPENMETRICS = /\bapplication\/openmetrics-text\b/;
/** How long printing may hold up the event loop at a time. */
const SLICE_MILLIS = 3;

/** The answer to a request for metrics: OpenMetrics for who accepts it, else Prometheus' older format. */
export async function metricsResponse(
  registry: MetricRegistry,
  request: Request,
): Promise<Response> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Metrics can only be read\n", { status: 405, headers: { allow: "GET" } });
  }
  const accept = request.headers.get("accept") ?? "";
  const format = OPENMETRICS.test(accept) ? "openmetrics" : "prometheus";
  await registry.prepare();
  return new Response(inSlices(printPieces(registry, format)), {
    headers: { "content-type": CONTENT_TYPES[format], "cache-control": "no-store" },
  });
}

/** The pieces as a stream, made as they are read and a slice in each turn of the event loop. */
function inSlices(pieces: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      const sliceEnd = performance.now() + SLICE_MILLIS;
      let text = "";
      while (performance.now() < sliceEnd) {
        const { value, done } = pieces.next();
        if (done) {
          if (text !== "") controller.enqueue(encoder.encode(text));
          return controller.close();
        }
        text += value;
      }
      controller.enqueue(encoder.encode(text));
    },
  }, { highWaterMark: 1 });
}
