/** Taking over what Apache's broker has left waiting, from its timer log. */

import type { FileSystem } from "../../../store/file_system.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { readTimerLog, type TimerCheckpoint } from "../../../store/timer/apache_files.ts";
import type { TimerIntake } from "./timer_intake.ts";
import {
  propertiesOf,
  readTimerProperties,
  readTimerRecord,
  TIMER_TOPIC,
  type TimerRecord,
} from "./timer_message.ts";

export interface TimerAdoptionOptions {
  store: Pick<MessageStore, "soundRecords" | "selectMessageByOffset">;
  intake: TimerIntake;
  fileSystem: FileSystem;
  storeFolder: string;
  /** How long the slots are of the broker that wrote the timer log. */
  precisionMs: number;
}

/** What has been taken over. */
export interface Adopted {
  /** queueOffset from which on Apache's timer log knows nothing. */
  end: number;
  /** None that was taken over was stored before this one. */
  firstQueueOffset: number;
}

/** Where many records are in a piece of the log as long as this, it is read as a whole. */
const PIECE_BYTES = 1024 * 1024;
const PIECE_RECORDS_MIN = 32;

/** Puts the messages of Apache's timer log that are not delivered into the index. */
export async function adoptTimers(
  options: TimerAdoptionOptions,
  checkpoint: TimerCheckpoint,
): Promise<Adopted> {
  const { store, intake, fileSystem, storeFolder, precisionMs } = options;
  const waiting = new Set<number>();
  let lastPlace: number | undefined;
  const firstSlot = Math.floor(checkpoint.lastReadTimeMs / precisionMs);
  for (const { slotTime, physicalOffset } of readTimerLog(fileSystem, storeFolder)) {
    lastPlace = physicalOffset;
    if (Math.floor(slotTime / precisionMs) >= firstSlot) waiting.add(physicalOffset);
  }
  // As Apache does: the queue is read on behind the last message of the timer log, which may be ahead of the checkpoint.
  const last = lastPlace === undefined ? undefined : await recordAt(store, lastPlace);
  const end = Math.min(
    last === undefined ? checkpoint.lastTimerQueueOffset : last.layout.queueOffset + 1,
    checkpoint.masterTimerQueueOffset,
  );
  const cancelled: { name: string; outTime: number }[] = [];
  let firstQueueOffset = Infinity;
  for await (const record of recordsAt(store, waiting)) {
    const { topic, queueOffset } = record.layout;
    if (topic !== TIMER_TOPIC || queueOffset >= end) continue;
    const timer = readTimerProperties(record.text);
    if (timer?.cancels !== undefined) {
      cancelled.push({ name: timer.cancels, outTime: timer.outTime });
      continue;
    }
    intake.take(record);
    firstQueueOffset = Math.min(firstQueueOffset, queueOffset);
  }
  // In Apache's slots the order does not matter.
  for (const { name, outTime } of cancelled) intake.cancel(name, outTime);
  return { end, firstQueueOffset };
}

async function recordAt(
  store: TimerAdoptionOptions["store"],
  physicalOffset: number,
): Promise<TimerRecord | undefined> {
  const bytes = await store.selectMessageByOffset(physicalOffset);
  return bytes && readTimerRecord(bytes);
}

/** The records that begin at these places of the log; each is valid until the next one. */
async function* recordsAt(
  store: TimerAdoptionOptions["store"],
  offsets: ReadonlySet<number>,
): AsyncGenerator<TimerRecord> {
  const places = [...offsets].sort((a, b) => a - b);
  for (let start = 0; start < places.length;) {
    let end = start + 1;
    while (end < places.length && places[end]! < places[start]! + PIECE_BYTES) end++;
    if (end - start >= PIECE_RECORDS_MIN) {
      for (const { bytes, record: layout } of store.soundRecords(places[start]!)) {
        if (layout.physicalOffset > places[end - 1]!) break;
        if (!offsets.has(layout.physicalOffset)) continue;
        yield { bytes, layout, text: propertiesOf(bytes, layout) };
      }
      // Others have their turn.
      await new Promise((resolve) => setTimeout(resolve, 0));
    } else {
      const records = await Promise.all(
        places.slice(start, end).map((place) => recordAt(store, place)),
      );
      for (const record of records) if (record !== undefined) yield record;
    }
    start = end;
  }
}
