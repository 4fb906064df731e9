/**
 * How a start learns which timer messages wait. Usually from the index on disk and from what is in the log behind it.
 * When Apache's broker has had the folder, or the index is gone, from Apache's files and from the log behind those, or
 * from the log alone.
 */

import type { MessageStore } from "../../../store/message_store.ts";
import { readTimerCheckpoint, type TimerCheckpoint } from "../../../store/timer/apache_files.ts";
import type {
  TimerPosition,
  TimerStateFields,
  TimerStore,
} from "../../../store/timer/timer_store.ts";
import type { Log } from "../../log.ts";
import { adoptTimers, type TimerAdoptionOptions } from "./timer_adoption.ts";
import { propertiesOf, TIMER_TOPIC } from "./timer_message.ts";

export interface TimerLoaderOptions extends TimerAdoptionOptions {
  store: Pick<MessageStore, "findQueue" | "soundRecords" | "selectMessageByOffset" | "stats">;
  timerStore: TimerStore;
  log: Log;
}

/** It takes about a second to read so much of the log, which somebody may wonder about. */
const MANY_BYTES = 512 * 1024 * 1024;
/** How long the event loop is held up before others have their turn. */
const SLICE_MILLIS = 20;

/**
 * Fills the index. Nothing may be put into the timer topic or delivered from it meanwhile.
 * @returns the queueOffset before which none that waits was stored.
 */
export async function loadTimers(options: TimerLoaderOptions): Promise<number> {
  const { store, timerStore, intake, fileSystem, storeFolder, log } = options;
  const started = performance.now();
  const checkpoint = readTimerCheckpoint(fileSystem, storeFolder);
  const saved = openSaved(options, checkpoint);
  if (saved === undefined) timerStore.create(crypto.getRandomValues(new Uint32Array(1))[0]!);
  const fields = saved ?? await fromApache(options, checkpoint);
  intake.startAt(fields);
  const bytes = store.stats.maxOffset - fields.physicalOffset;
  if (bytes > MANY_BYTES) log.info("reading the log to find timer messages that wait", { bytes });
  const records = await readLog(options, fields.physicalOffset);
  const queue = store.findQueue(TIMER_TOPIC, 0);
  if (records > 0 || timerStore.index.count > 0) {
    log.info("read which timer messages wait", {
      waiting: timerStore.index.count,
      from: saved === undefined ? "the log" : "the index",
      recordsRead: records,
      millis: Math.round(performance.now() - started),
    });
  }
  return Math.max(fields.firstQueueOffset, queue?.minOffset ?? 0);
}

/** The index on disk, if it can be used. */
function openSaved(
  options: TimerLoaderOptions,
  checkpoint: TimerCheckpoint | undefined,
): TimerStateFields | undefined {
  const { timerStore, log } = options;
  let saved: TimerStateFields | undefined;
  try {
    saved = timerStore.open();
  } catch (error) {
    log.error("the index of the timer messages is damaged, making it anew", { error });
    return undefined;
  }
  if (saved === undefined) return undefined;
  const isOurs = (one: TimerCheckpoint) => isSame(one, checkpoint!);
  if (checkpoint !== undefined && !saved.apacheCheckpoints.some(isOurs)) {
    log.info("another broker has had the timer messages, making their index anew");
    return undefined;
  }
  if (!isOfThisLog(options, saved)) {
    log.warn("the index of the timer messages is of another log, making it anew");
    return undefined;
  }
  return saved;
}

function isSame(a: TimerCheckpoint, b: TimerCheckpoint): boolean {
  return a.lastReadTimeMs === b.lastReadTimeMs &&
    a.lastTimerLogFlushPos === b.lastTimerLogFlushPos &&
    a.lastTimerQueueOffset === b.lastTimerQueueOffset &&
    a.masterTimerQueueOffset === b.masterTimerQueueOffset;
}

/** Whether the last message that the index knows of is where it was. */
function isOfThisLog({ store }: TimerLoaderOptions, saved: TimerPosition): boolean {
  const { queueOffset, physicalOffset, lastPhysicalOffset } = saved;
  const { minOffset, maxOffset } = store.stats;
  const queue = store.findQueue(TIMER_TOPIC, 0);
  if (physicalOffset > maxOffset || queueOffset > (queue?.maxOffset ?? 0)) return false;
  if (lastPhysicalOffset < minOffset || queue === undefined) return true;
  const unit = queue.read(queueOffset - 1, 1);
  return unit.count === 1 && unit.physicalOffset(0) === lastPhysicalOffset;
}

/** Takes over what Apache's broker had; without its files everything in the queue is still to be looked at. */
async function fromApache(
  options: TimerLoaderOptions,
  checkpoint: TimerCheckpoint | undefined,
): Promise<Omit<TimerStateFields, "apacheCheckpoints">> {
  const { store } = options;
  const queue = store.findQueue(TIMER_TOPIC, 0);
  const physicalOffset = store.stats.durableOffset;
  if (queue === undefined) {
    return { queueOffset: 0, physicalOffset, lastPhysicalOffset: -1, firstQueueOffset: 0 };
  }
  const adopted = checkpoint === undefined ? undefined : await adoptTimers(options, checkpoint);
  const end = Math.min(adopted?.end ?? queue.minOffset, queue.maxOffset);
  const queueOffset = Math.max(end, queue.minOffset);
  const next = queue.read(queueOffset, 1);
  const last = queue.read(queueOffset - 1, 1);
  return {
    queueOffset,
    physicalOffset: next.count === 1 ? next.physicalOffset(0) : physicalOffset,
    lastPhysicalOffset: queueOffset > queue.minOffset && last.count === 1
      ? last.physicalOffset(0)
      : -1,
    firstQueueOffset: Math.min(adopted?.firstQueueOffset ?? Infinity, queueOffset),
  };
}

/** Takes in what the log has from an offset on. Gives how many records that are. */
async function readLog(
  { store, intake }: TimerLoaderOptions,
  physicalOffset: number,
): Promise<number> {
  let count = 0;
  let sliceEnd = performance.now() + SLICE_MILLIS;
  for (const { bytes, record: layout } of store.soundRecords(physicalOffset)) {
    count++;
    if (layout.topic === TIMER_TOPIC) {
      const isNew = layout.queueId === 0 && layout.queueOffset >= intake.nextOffset;
      if (isNew) intake.take({ bytes, layout, text: propertiesOf(bytes, layout) });
    } else if (layout.preparedTransactionOffset > 0) {
      intake.takeDelivered({ bytes, layout, text: propertiesOf(bytes, layout) });
    }
    if (performance.now() < sliceEnd) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    sliceEnd = performance.now() + SLICE_MILLIS;
  }
  return count;
}
