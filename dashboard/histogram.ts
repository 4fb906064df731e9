/** A topic's messages over time, out of what the API knows: which offsets each queue had at a moment. */

import { api, read } from "./api.ts";

export interface Histogram {
  /** The beginnings of the spans, in milliseconds. */
  readonly times: readonly number[];
  /** Messages that were stored in each span; null while it is not known. */
  readonly counts: readonly (number | null)[];
}

const SPANS = 60;
/** Questions at once. */
const CONCURRENCY = 6;

/** How many messages came in each span between two moments; says what it knows from time to time. */
export async function loadHistogram(
  topic: string,
  { begin, end }: { begin: number; end: number },
  onProgress: (histogram: Histogram) => void,
  signal: AbortSignal,
): Promise<void> {
  const width = Math.max(1, Math.ceil((end - begin) / SPANS));
  const edges = Array.from({ length: SPANS + 1 }, (_, at) => begin + at * width);
  const totals: (number | undefined)[] = edges.map(() => undefined);
  let next = 0;
  const work = async () => {
    while (next < edges.length) {
      const at = next++;
      totals[at] = await offsetTotal(topic, edges[at]!, signal);
      onProgress(histogramOf(edges, totals));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
}

/** Counts are the differences of the totals at the edges. */
export function histogramOf(
  edges: readonly number[],
  totals: readonly (number | undefined)[],
): Histogram {
  const counts = edges.slice(1).map((_, at) => {
    const [left, right] = [totals[at], totals[at + 1]];
    return left === undefined || right === undefined ? null : Math.max(0, right - left);
  });
  return { times: edges.slice(0, -1), counts };
}

async function offsetTotal(topic: string, timestamp: number, signal: AbortSignal): Promise<number> {
  const query = { timestamp: String(timestamp) };
  const args = { param: { topic }, query };
  const { queues } = await read(api.topics[":topic"].offsets.$get(args, { init: { signal } }));
  return queues.reduce((sum, { offset }) => sum + offset, 0);
}
