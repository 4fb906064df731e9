/**
 * What happens when a consumer comes to a message that is not where its queue says. Either the queue's file is damaged:
 * then the log between the nearest sound neighbours has the message, and the units are put anew. Or the log is: then
 * the message is lost, which is reported, and the queue goes on behind it.
 */

import { viewOf } from "../client/protocol/bytes.ts";
import { checkRecord } from "../client/protocol/message_record.ts";
import { belongsTo } from "./cold_read.ts";
import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";
import { type DelayLevels, entryOf, isQueued, propertiesOf, queueOffsetIn } from "./dispatch.ts";
import { LogReader } from "./log_reader.ts";
import { recordAt } from "./lookup.ts";
import { nextSoundRecord } from "./log_end.ts";

/** What was found to be damaged and what was done about it. */
export interface DamageReport {
  topic: string;
  queueId: number;
  /** The first message that was not where its queue said. */
  queueOffset: number;
  /** Units that could be made anew from the log. */
  mendedCount: number;
  /** Messages that cannot be read any more. */
  lostQueueOffsets: number[];
  /** The part of the log that was searched for them. */
  physicalOffsets: [from: number, to: number];
}

/** Between two turns of the event loop. */
const SCAN_BYTES = 1024 * 1024;

/** Mends the queue around `queueOffset`. Afterwards each message there can be read or is one of the queue's gaps. */
export async function mendQueue(
  log: CommitLog,
  queue: ConsumeQueue,
  queueOffset: number,
  delayLevels: DelayLevels,
): Promise<DamageReport> {
  const before = await soundNeighbour(log, queue, queueOffset, -1);
  const after = await soundNeighbour(log, queue, queueOffset, 1);
  const from = before?.physicalOffset ?? queue.physicalOffsetMin;
  const to = after?.physicalOffset ?? log.writtenOffset;
  const missing = new Set<number>();
  const last = after?.queueOffset ?? queue.maxOffset;
  for (let at = before?.queueOffset ?? queue.minOffset; at < last; at++) missing.add(at);
  if (before !== undefined) missing.delete(before.queueOffset);
  const mendedCount = await putUnitsAnew(log, queue, { from, to, missing, delayLevels });
  queue.gaps ??= new Set();
  for (const lost of missing) queue.gaps.add(lost);
  return {
    topic: queue.topic,
    queueId: queue.queueId,
    queueOffset,
    mendedCount,
    lostQueueOffsets: [...missing],
    physicalOffsets: [from, to],
  };
}

interface Neighbour {
  queueOffset: number;
  physicalOffset: number;
}

/** The nearest message that is where its unit says, looking with growing steps, since damage comes in pages. */
async function soundNeighbour(
  log: CommitLog,
  queue: ConsumeQueue,
  queueOffset: number,
  direction: 1 | -1,
): Promise<Neighbour | undefined> {
  const end = direction < 0 ? queue.minOffset : queue.maxOffset - 1;
  for (let distance = 1, at = queueOffset; at !== end; distance *= 2) {
    at = direction < 0
      ? Math.max(end, queueOffset - distance)
      : Math.min(end, queueOffset + distance);
    const physicalOffset = queue.read(at, 1).physicalOffset(0);
    const bytes = await recordAt(log, physicalOffset);
    if (bytes === undefined) continue;
    const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
    if (check.kind === "message" && belongsTo(queue, at, check.record, bytes)) {
      return { queueOffset: at, physicalOffset };
    }
  }
  return undefined;
}

interface Search {
  from: number;
  to: number;
  /** Taken out of it is what was found. */
  missing: Set<number>;
  delayLevels: DelayLevels;
}

async function putUnitsAnew(
  log: CommitLog,
  queue: ConsumeQueue,
  { from, to, missing, delayLevels }: Search,
): Promise<number> {
  const reader = new LogReader(log);
  let mendedCount = 0;
  let pauseAt = from + SCAN_BYTES;
  for (let offset = from; offset < to && missing.size > 0;) {
    if (offset >= pauseAt) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      pauseAt = offset + SCAN_BYTES;
    }
    const place = reader.at(offset);
    // Zeros before the end of the search are damage too.
    if (place.kind === "end" || place.kind === "corrupt") {
      offset = nextSoundRecord(log, offset + 1) ?? to;
      continue;
    }
    offset = place.next;
    if (place.kind === "blank" || !isQueued(place.record.sysFlag)) continue;
    const { record, bytes } = place;
    const queueOffset = queueOffsetIn(queue, record, () => propertiesOf(bytes, record));
    if (queueOffset === undefined || !missing.delete(queueOffset)) continue;
    const { physicalOffset, size } = record;
    const { tagsCode } = entryOf(propertiesOf(bytes, record), record, queue, delayLevels);
    queue.mend(queueOffset, physicalOffset, size, tagsCode);
    mendedCount++;
  }
  return mendedCount;
}
