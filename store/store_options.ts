/** What the store is given, and what it says of a message that is put. */

import type { DispatchEntry } from "./dispatch.ts";
import type { DamageReport } from "./mend.ts";
import type { OpenOptions } from "./open_store.ts";
import type { DeletedFile } from "./retention.ts";

export interface StoreOptions extends OpenOptions {
  /** A message has become visible to consumers. */
  onArrival: (entry: DispatchEntry) => void;
  /** The log has reached the promised level up to this offset: whoever waits for it can be answered. */
  onPromised: (offset: number) => void;
  /** What was appended after `offset` could not be written and is forgotten; later sends may succeed again. */
  onWriteFailed: (offset: number, error: Error) => void;
  /** Messages were damaged on disk; they were mended, or are passed over from now on. */
  onDamage: (report: DamageReport) => void;
  /** Old log files are gone. Queues begin later now. */
  onDeleted: (files: DeletedFile[]) => void;
  /** The disk takes no more messages for the reason given, or (undefined) takes them again. */
  onDiskFull: (reason: string | undefined) => void;
  /** A checkpoint or the deletion of old files failed. Nothing is lost by it; it is tried again. */
  onUpkeepFailed: (error: Error) => void;
  /** An fsync failed: nothing is written or acknowledged any more, the process should end. */
  onFatal: (error: Error) => void;
  /** Log files that reach past this physicalOffset are still needed. Asked only about files that would go otherwise. */
  neededFrom?: () => number;
}

/** Where a message went, or why it did not. */
export type PutMessageResult =
  | {
    status: "PUT_OK";
    physicalOffset: number;
    queueOffset: number;
    /** Once the promised level reaches this offset, the message is safe. */
    endOffset: number;
  }
  | { status: "PROPERTIES_SIZE_EXCEEDED" }
  | { status: "SERVICE_NOT_AVAILABLE"; reason: string };
