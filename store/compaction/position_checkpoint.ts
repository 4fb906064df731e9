/**
 * `compaction/position-checkpoint`: the queueOffset up to which each queue is compacted, as Apache has it
 * (CompactionPositionMgr.java of 5.3.3). One that is older than the files costs a run that finds little to do.
 */

import type { FileSystem } from "../file_system.ts";
import { JsonFile } from "../json_file.ts";

export class PositionCheckpoint {
  readonly #file: JsonFile<Map<string, number>>;
  readonly #offsets: Map<string, number>;
  #saving: Promise<void> = Promise.resolve();

  /** @param onDamaged hears that the file could not be read, and why. */
  constructor(fileSystem: FileSystem, folder: string, onDamaged: (error: Error) => void) {
    const path = `${folder}/position-checkpoint`;
    this.#file = new JsonFile({ path, fileSystem, parse: parseOffsets, onFallback: onDamaged });
    this.#offsets = this.#load(onDamaged);
  }

  #load(onDamaged: (error: Error) => void): Map<string, number> {
    try {
      return this.#file.load() ?? new Map();
    } catch (error) {
      onDamaged(error as Error);
      return new Map();
    }
  }

  /** -1 for a queue that has never been compacted. */
  get(topic: string, queueId: number): number {
    return this.#offsets.get(`${topic}_${queueId}`) ?? -1;
  }

  /** Notes the position of a queue; undefined to forget it. Resolves when it is on disk. @throws as `JsonFile.save`. */
  set(topic: string, queueId: number, position: number | undefined): Promise<void> {
    const key = `${topic}_${queueId}`;
    if (position === undefined) this.#offsets.delete(key);
    else this.#offsets.set(key, position);
    const save = () => this.#file.save({ queueOffsetMap: Object.fromEntries(this.#offsets) });
    return this.#saving = this.#saving.then(save, save);
  }
}

function parseOffsets(json: unknown): Map<string, number> {
  const { queueOffsetMap } = json as { queueOffsetMap?: Record<string, unknown> };
  const entries = Object.entries(queueOffsetMap ?? {});
  return new Map(entries.filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
}
