/**
 * How far each consume queue surely goes, so that one that has lost its end or all its files is noticed: the zeros at
 * the end of a queue's file do not tell "nothing yet" from "no longer". Without it a queue would give the offsets of
 * messages that exist to new ones.
 *
 * ```
 *  comet-queues, text:  crc of the rest of the line, 8 hexadecimal digits | space | ["TOPIC",[maxOffset,physicalOffset],…]
 * ```
 * A line has all queues of a topic by queueId, null for one that there is not, and none when the topic was deleted; `physicalOffset` is that of the queue's
 * last message. Lines are appended with each checkpoint, the last one of a topic counts, and now and then the file is
 * written anew. What it says was on disk before; a lost or damaged line makes an older one count, which is less but true.
 */

import { decodeUtf8, encodeUtf8 } from "../client/protocol/bytes.ts";
import { recordCrc } from "../client/protocol/message_record.ts";
import { SyncError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";

/** Where a queue ends. */
export interface QueueEnd {
  /** queueOffset after the last message. */
  maxOffset: number;
  /** Where that message is in the log. */
  physicalOffset: number;
}

/** The file is written anew when it is longer than so many times what counts of it, and this. */
const STALE_FACTOR = 3;
const BYTES_MIN = 64 * 1024;

export class QueueEnds {
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  readonly #path: string;
  readonly #topics = new Map<string, (QueueEnd | null)[]>();
  /** Topics that have changed since the last write. */
  readonly #changed = new Set<string>();
  /** Where the next line goes. */
  #bytes = 0;
  #nameIsSynced = false;

  /** Reads what there is. */
  constructor(fileSystem: FileSystem, folder: string) {
    this.#fileSystem = fileSystem;
    this.#folder = folder;
    this.#path = `${folder}/comet-queues`;
    if (!fileSystem.existsSync(this.#path)) return;
    const file = fileSystem.openSync(this.#path, { create: false });
    const bytes = new Uint8Array(file.sizeSync());
    const count = file.readSync(bytes, 0);
    file.close();
    this.#bytes = bytes.length;
    for (const line of decodeUtf8(bytes, 0, count).split("\n")) this.#read(line);
  }

  #read(line: string): void {
    const json = line.slice(9);
    if (line.slice(0, 8) !== crcOf(json)) return;
    const [topic, ...ends] = JSON.parse(json) as [string, ...([number, number] | null)[]];
    if (ends.length === 0) return void this.#topics.delete(topic);
    this.#topics.set(
      topic,
      ends.map((end) => end && { maxOffset: end[0], physicalOffset: end[1] }),
    );
  }

  /** Forgets all, on the disk too. */
  clear(): void {
    this.#topics.clear();
    this.#bytes = 0;
    if (this.#fileSystem.existsSync(this.#path)) this.#fileSystem.removeSync(this.#path);
  }

  /** Every topic that has a queue. */
  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  /** The queues of a topic. */
  queueIds(topic: string): number[] {
    const ends = this.#topics.get(topic) ?? [];
    return [...ends.keys()].filter((queueId) => (ends[queueId] ?? undefined) !== undefined);
  }

  find(topic: string, queueId: number): QueueEnd | undefined {
    return this.#topics.get(topic)?.[queueId] ?? undefined;
  }

  /** Notes the end of a queue, which is on disk up to there. */
  set(topic: string, queueId: number, end: QueueEnd): void {
    let ends = this.#topics.get(topic);
    if (ends === undefined) this.#topics.set(topic, ends = []);
    while (ends.length < queueId) ends.push(null);
    ends[queueId] = end;
    this.#changed.add(topic);
  }

  /** Forgets a topic that was deleted. */
  delete(topic: string): void {
    if (this.#topics.delete(topic)) this.#changed.add(topic);
  }

  /** Brings what has changed to disk. @throws {SyncError} when an fsync fails. */
  async write(): Promise<void> {
    if (this.#changed.size === 0) return;
    const bytes = this.#lines(this.#changed);
    if (this.#bytes + bytes.length > BYTES_MIN) {
      const whole = this.#lines(this.#topics.keys());
      if (this.#bytes + bytes.length > STALE_FACTOR * whole.length) return this.#rewrite(whole);
    }
    await this.#writeTo(this.#path, bytes, this.#bytes);
    this.#bytes += bytes.length;
    this.#changed.clear();
    if (!this.#nameIsSynced) await this.#syncName();
  }

  /** Each begins with a line break, since what is before may have been cut short. */
  #lines(topics: Iterable<string>): Uint8Array {
    let text = "";
    for (const topic of topics) {
      const ends = (this.#topics.get(topic) ?? []).map((end) =>
        end && [end.maxOffset, end.physicalOffset]
      );
      const json = JSON.stringify([topic, ...ends]);
      text += `\n${crcOf(json)} ${json}`;
    }
    return encodeUtf8(`${text}\n`);
  }

  async #rewrite(bytes: Uint8Array): Promise<void> {
    const newPath = `${this.#path}.tmp`;
    await this.#writeTo(newPath, bytes, 0);
    this.#fileSystem.renameSync(newPath, this.#path);
    this.#bytes = bytes.length;
    this.#changed.clear();
    await this.#syncName();
  }

  /** Writes at the end of a file, or of what counts of it. */
  async #writeTo(path: string, bytes: Uint8Array, position: number): Promise<void> {
    const file = this.#fileSystem.openSync(path, { create: true });
    try {
      if (file.sizeSync() > position) file.truncateSync(position);
      file.writeSync(bytes, position);
      await synced(path, file.syncData());
    } finally {
      file.close();
    }
  }

  async #syncName(): Promise<void> {
    await synced(this.#folder, this.#fileSystem.syncFolder(this.#folder));
    this.#nameIsSynced = true;
  }
}

function crcOf(json: string): string {
  return recordCrc(encodeUtf8(json)).toString(16).padStart(8, "0");
}

async function synced(path: string, syncing: Promise<void>): Promise<void> {
  try {
    await syncing;
  } catch (error) {
    throw new SyncError(path, error);
  }
}
