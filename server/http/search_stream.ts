/** The results of a search as lines of JSON, as fast as the caller reads them and no faster. */

import { describeError, type Log } from "../log.ts";
import { type BodyEncoding, messageJson } from "./message_schema.ts";
import { problemDocument } from "./problem.ts";
import type { SearchRun } from "./search_run.ts";

export interface StreamOptions {
  run: SearchRun;
  bodyEncoding: BodyEncoding;
  /** Ends after so many messages. */
  limit: number;
  /** Ends after so long. */
  timeoutMillis: number;
  log: Log;
}

export const NDJSON = "application/x-ndjson";

/** Lines are sent when so much has come together, and at least so often. */
const CHUNK_LENGTH = 65_536;
const PROGRESS_MILLIS = 250;

/** Answers with a line for each message, one from time to time about how far the search is, and one at the end. */
export function streamSearch(options: StreamOptions): Response {
  const { run, limit, log } = options;
  const encoder = new TextEncoder();
  const deadline = performance.now() + options.timeoutMillis;
  let count = 0;
  let isCancelled = false;
  const lines = async (): Promise<{ text: string; isEnd: boolean }> => {
    let text = "";
    const due = performance.now() + PROGRESS_MILLIS;
    while (!isCancelled && text.length < CHUNK_LENGTH) {
      if (run.isComplete || count >= limit || performance.now() > deadline) {
        return { text: text + line({ type: "end", ...run.state }), isEnd: true };
      }
      if (performance.now() > due) return { text: text + progress(run), isEnd: false };
      const message = await run.next();
      if (message === undefined) continue;
      count++;
      text += line({ type: "message", message: messageJson(message, options.bodyEncoding) });
      // What has been found is shown before the search goes on; it may take long until the next.
      if (count === 1) break;
    }
    return { text, isEnd: isCancelled };
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { text, isEnd } = await lines();
        if (isCancelled) return;
        controller.enqueue(encoder.encode(text));
        if (!isEnd) return;
        run[Symbol.dispose]();
        controller.close();
      } catch (error) {
        log.warn("a search ended early", { error });
        run[Symbol.dispose]();
        if (isCancelled) return;
        controller.enqueue(encoder.encode(line({
          type: "problem",
          problem: problemDocument(502, describeError(error)),
        })));
        controller.close();
      }
    },
    cancel() {
      isCancelled = true;
      run[Symbol.dispose]();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": NDJSON, "cache-control": "no-store" } });
}

function progress(run: SearchRun): string {
  const { scanned, horizon } = run.state;
  return line({ type: "progress", scanned, ...(horizon === undefined ? {} : { horizon }) });
}

function line(value: unknown): string {
  return JSON.stringify(value) + "\n";
}
