/** What Comet tells of its process. */

import process from "node:process";
import type { Histogram } from "./histogram.ts";
import type { Metric } from "./metric.ts";
import { counter, gauge, histogram } from "./rows.ts";

export interface ProcessSource {
  version: string;
  /** When the process started, in milliseconds since the epoch. */
  startTimestamp: number;
  /** In seconds. */
  eventLoopLag: Histogram;
  /** Folder with an entry for each file handle that is open, where the system has one. */
  handlesFolder: string;
}

export const PROCESS_ROWS: readonly Metric<ProcessSource>[] = [
  {
    name: "comet_build_info",
    kind: "gauge",
    help: "1; its labels say what runs",
    labels: ["version", "deno"],
    collect: ({ version }) => [[1, [version, Deno.version.deno]]],
  },
  gauge("comet_process_start_time", {
    unit: "seconds",
    help: "When the process started, since the epoch",
    of: ({ startTimestamp }) => startTimestamp / 1_000,
  }),
  counter("comet_process_cpu_seconds_total", {
    help: "Processor time of the process, in all its threads",
    of: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    },
  }),
  gauge("comet_process_resident_memory", {
    unit: "bytes",
    help: "Memory of the process",
    of: () => Deno.memoryUsage().rss,
  }),
  gauge("comet_process_heap", {
    unit: "bytes",
    help: "Of that, what JavaScript objects take",
    of: () => Deno.memoryUsage().heapUsed,
  }),
  gauge("comet_process_external_memory", {
    unit: "bytes",
    help: "Of that, what buffers take",
    of: () => Deno.memoryUsage().external,
  }),
  gauge("comet_process_open_handles", {
    help: "Files and connections that are open; Linux only",
    of: ({ handlesFolder }) => entryCount(handlesFolder),
  }),
  histogram("comet_event_loop_lag", {
    unit: "seconds",
    help: "How much later than asked for a timer fires, asked ten times a second",
    of: ({ eventLoopLag }) => eventLoopLag,
  }),
];

function entryCount(folder: string): number | undefined {
  try {
    return [...Deno.readDirSync(folder)].length;
  } catch {
    // Other systems have no such folder.
    return undefined;
  }
}
