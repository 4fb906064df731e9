/**
 * The topics that were deleted while the log still has messages of theirs, so that no start and no repair of a queue
 * brings those back: a new topic of that name begins at offset 0.
 *
 * ```
 *  comet-deleted/PHYSICALOFFSET/TOPIC/      messages of TOPIC before PHYSICALOFFSET count no more
 * ```
 * The folder is the one that was `consumequeue/TOPIC`: one rename deletes all queues of a topic and notes it. Its files
 * go afterwards; the empty folder stays until the log begins behind the offset.
 */

import { SyncError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import { makeFolder } from "./folder.ts";

export interface DeletedTopicsOptions {
  fileSystem: FileSystem;
  /** The data folder. */
  storeFolder: string;
  /** No message of the log is at or behind this physicalOffset. A note that lies further is of another log. */
  logEnd: number;
}

export class DeletedTopics {
  readonly #fileSystem: FileSystem;
  readonly #storeFolder: string;
  readonly #folder: string;
  readonly #upTo: Map<string, number>;

  /** Reads what was noted, and ends deletions that a crash has cut short. */
  constructor({ fileSystem, storeFolder, logEnd }: DeletedTopicsOptions) {
    this.#fileSystem = fileSystem;
    this.#storeFolder = storeFolder;
    this.#folder = `${storeFolder}/comet-deleted`;
    this.#upTo = readDeletedTopics(fileSystem, storeFolder, logEnd);
    for (const name of fileSystem.listSync(this.#folder)) {
      if (!/^\d{20}$/.test(name)) continue;
      for (const topic of fileSystem.listSync(`${this.#folder}/${name}`)) {
        this.#empty(`${this.#folder}/${name}/${topic}`);
      }
      if (Number(name) > logEnd) this.#removeNotes(name);
    }
  }

  /** Messages of a topic before this physicalOffset count no more; 0 when all do. */
  upTo(topic: string): number {
    return this.#upTo.get(topic) ?? 0;
  }

  /**
   * Deletes the queues of a topic, which must be closed, and notes that its messages before `physicalOffset` count no
   * more. That holds at once; it survives a power loss when this resolves.
   * @throws {SyncError} when an fsync fails.
   */
  async add(topic: string, physicalOffset: number): Promise<void> {
    const fileSystem = this.#fileSystem;
    const queues = `${this.#storeFolder}/consumequeue`;
    const parent = `${this.#folder}/${name20(physicalOffset)}`;
    const changed = [parent];
    makeFolder(fileSystem, parent, (folder) => changed.push(folder));
    const place = `${parent}/${topic}`;
    if (fileSystem.existsSync(`${queues}/${topic}`)) {
      fileSystem.renameSync(`${queues}/${topic}`, place);
      changed.push(queues);
    } else {
      fileSystem.makeFolderSync(place);
    }
    this.#upTo.set(topic, physicalOffset);
    for (const folder of changed) await this.#sync(folder);
    this.#empty(place);
  }

  /** Forgets the topics of which the log has nothing any more. */
  forgetBefore(physicalOffset: number): void {
    for (const name of this.#fileSystem.listSync(this.#folder)) {
      if (/^\d{20}$/.test(name) && Number(name) <= physicalOffset) this.#removeNotes(name);
    }
    for (const [topic, offset] of this.#upTo) {
      if (offset <= physicalOffset) this.#upTo.delete(topic);
    }
  }

  #removeNotes(name: string): void {
    const parent = `${this.#folder}/${name}`;
    for (const topic of this.#fileSystem.listSync(parent)) {
      this.#fileSystem.removeSync(`${parent}/${topic}`);
    }
    this.#fileSystem.removeSync(parent);
  }

  /** Removes the queues' files and folders; a start after a crash goes on with it. */
  #empty(place: string): void {
    for (const queueId of this.#fileSystem.listSync(place)) {
      for (const file of this.#fileSystem.listSync(`${place}/${queueId}`)) {
        this.#fileSystem.removeSync(`${place}/${queueId}/${file}`);
      }
      this.#fileSystem.removeSync(`${place}/${queueId}`);
    }
  }

  async #sync(folder: string): Promise<void> {
    try {
      await this.#fileSystem.syncFolder(folder);
    } catch (error) {
      throw new SyncError(folder, error);
    }
  }
}

/** Up to which physicalOffset the messages of topics count no more; changes nothing. */
export function readDeletedTopics(
  fileSystem: FileSystem,
  storeFolder: string,
  logEnd: number,
): Map<string, number> {
  const folder = `${storeFolder}/comet-deleted`;
  const upTo = new Map<string, number>();
  for (const name of fileSystem.listSync(folder)) {
    if (!/^\d{20}$/.test(name) || Number(name) > logEnd) continue;
    for (const topic of fileSystem.listSync(`${folder}/${name}`)) upTo.set(topic, Number(name));
  }
  return upTo;
}

function name20(offset: number): string {
  return String(offset).padStart(20, "0");
}
