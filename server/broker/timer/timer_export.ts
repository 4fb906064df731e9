/** Leaves the timer messages that wait to Apache's broker, in its own files. */

import { javaHashCode } from "../../../client/protocol/message.ts";
import type { FileSystem } from "../../../store/file_system.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import {
  TimerLogWriter,
  TimerMagic,
  writeTimerMetrics,
} from "../../../store/timer/apache_files.ts";
import type { TimerStore } from "../../../store/timer/timer_store.ts";
import { TIMER_TOPIC } from "./timer_message.ts";

/** The settings of the broker that comes next, under Apache's names. */
export interface TimerExportSettings {
  timerPrecisionMs: number;
  timerRollWindowSlot: number;
  mappedFileSizeTimerLog: number;
}

export interface TimerExportOptions {
  store: Pick<MessageStore, "findQueue">;
  timerStore: TimerStore;
  settings: TimerExportSettings;
  fileSystem: FileSystem;
  storeFolder: string;
  /** Milliseconds since the epoch. */
  now: number;
}

/** The precisions that Apache's broker has; its setting means the next lower one. */
const PRECISIONS = [1_000, 500, 200];
const PRECISION_MIN = 100;

/** How long Apache's slots are with this timerPrecisionMs. */
export function slotMillis(timerPrecisionMs: number): number {
  return PRECISIONS.find((precision) => timerPrecisionMs >= precision) ?? PRECISION_MIN;
}

/** So many slots Apache's wheel has ahead of now at most. */
const SLOTS_MAX = 7 * 86_400 - 60;

/**
 * Writes Apache's timer log anew, and its counts. With a `timercheck` that says that all of the queue has been read, its
 * broker makes its wheel from that.
 */
export async function exportTimers(options: TimerExportOptions): Promise<void> {
  const { store, timerStore, settings, fileSystem, storeFolder, now } = options;
  const { index } = timerStore;
  const precisionMs = slotMillis(settings.timerPrecisionMs);
  const fileBytes = settings.mappedFileSizeTimerLog;
  const writer = new TimerLogWriter({ fileSystem, storeFolder, fileBytes, precisionMs, now });
  const window = rollWindow(settings);
  writer.expectAgain([now + window.shorter, now + window.millis]);
  const hashes = new Map<number, number>();
  for (const { due, physicalOffset, size, topic } of index.all()) {
    let topicHash = hashes.get(topic);
    if (topicHash === undefined) {
      hashes.set(topic, topicHash = javaHashCode(index.topics.nameOf(topic)!));
    }
    const delay = Math.max(due - 1 - now, 0);
    const rolls = delay >= window.millis;
    const isSoonAfter = delay - window.millis < window.millis / 3;
    const slotDelay = !rolls ? delay : isSoonAfter ? window.shorter : window.millis;
    const magic = rolls ? TimerMagic.DEFAULT | TimerMagic.ROLL : TimerMagic.DEFAULT;
    writer.put({ slotTime: now + slotDelay, magic, physicalOffset, size, topicHash });
  }
  // Apache reads the queue from behind the message of the last unit. This one is in a slot that is over.
  const queue = store.findQueue(TIMER_TOPIC, 0);
  const newest = queue?.read(queue.maxOffset - 1, 1);
  if (newest?.count === 1) {
    const [physicalOffset, size] = [newest.physicalOffset(0), newest.size(0)];
    const slotTime = now - precisionMs;
    writer.put({ slotTime, magic: TimerMagic.DEFAULT, physicalOffset, size, topicHash: 0 });
  }
  await writer.finish();
  writeTimerMetrics(fileSystem, storeFolder, index.topics.counts(), now);
}

/** How far ahead Apache's wheel goes; what is due later is put there and stored anew then. */
function rollWindow({ timerPrecisionMs, timerRollWindowSlot }: TimerExportSettings) {
  const isUsable = timerRollWindowSlot >= 2 && timerRollWindowSlot <= SLOTS_MAX;
  const slots = isUsable ? timerRollWindowSlot : SLOTS_MAX;
  const precisionMs = slotMillis(timerPrecisionMs);
  return { millis: slots * precisionMs, shorter: Math.floor(slots / 2) * precisionMs };
}
