/** From the commit log to the compaction log of a queue. */

import { viewOf } from "../../client/protocol/bytes.ts";
import { checkRecord, type RecordCheck } from "../../client/protocol/message_record.ts";
import type { ConsumeQueue } from "../consume_queue.ts";
import { CorruptStoreError } from "../errors.ts";
import { getMessage, type MessageSource } from "../get_message.ts";
import type { CompactionLog } from "./compaction_log.ts";
import type { Pacer } from "./pacer.ts";
import { keyOf } from "./record_key.ts";

export interface CopyOptions {
  source: MessageSource;
  pacer: Pacer;
  /** What lies before this physicalOffset is on disk; only that is copied, or a crash could take back what was copied. */
  durableOffset: () => number;
  isStopped: () => boolean;
}

/** So much is read and copied in one turn of the event loop. */
const SLICE_BYTES = 64 * 1024;
const SLICE_MESSAGES = 256;

/** Copies what is new and on disk. Messages without a key are left out, as in Apache. @throws when the disk fails. */
export async function copyMessages(
  log: CompactionLog,
  queue: ConsumeQueue,
  options: CopyOptions,
): Promise<void> {
  while (log.copiedOffset < queue.maxOffset && !options.isStopped() && !log.isClosed) {
    const queueOffset = Math.max(log.copiedOffset, queue.minOffset);
    const got = getMessage(options.source, queue, {
      queueOffset,
      maxMsgNums: SLICE_MESSAGES,
      maxMsgBytes: SLICE_BYTES,
      filter: undefined,
    });
    const result = got instanceof Promise ? await got : got;
    const bytes = joined(result.parts);
    if (log.isClosed) return;
    options.pacer.begin();
    const undurable = await addRecords(log, bytes, options);
    if (log.isClosed) return;
    log.write(undurable ?? result.nextBeginOffset);
    await options.pacer.end();
    if (undurable !== undefined || result.nextBeginOffset <= queueOffset) return;
  }
}

/**
 * Adds records up to the first that is not on disk, of which it gives the queueOffset.
 * @throws {CorruptStoreError} when a record is damaged.
 */
async function addRecords(
  log: CompactionLog,
  bytes: Uint8Array,
  { durableOffset, pacer }: CopyOptions,
): Promise<number | undefined> {
  const view = viewOf(bytes);
  const endOffset = durableOffset();
  for (let position = 0; position < bytes.length;) {
    const check = checkRecord(bytes, view, position, bytes.length);
    if (check.kind !== "message") throw damage(log, check);
    const { record } = check;
    if (record.physicalOffset + record.size > endOffset) return record.queueOffset;
    position += record.size;
    if (keyOf(bytes, record) === undefined) continue;
    const rolled = log.add({ bytes, record });
    if (rolled !== undefined) {
      // Waiting for the disk is no work.
      await Promise.all([rolled, pacer.end()]);
      pacer.begin();
    }
    if (log.isClosed) return undefined;
  }
  return undefined;
}

function damage({ topic, queueId }: CompactionLog, check: RecordCheck): CorruptStoreError {
  const reason = check.kind === "corrupt" ? check.reason : check.kind;
  return new CorruptStoreError(
    `Cannot copy a message of ${topic}, queue ${queueId}, to the compaction log: its record in the ` +
      `commit log is damaged (${reason})`,
  );
}

/** The records as one piece that stays, whatever becomes of the log's blocks. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
