/** Consumer offsets: where each group goes on in each queue; `config/consumerOffset.json` as Apache has it. */

import { parseFastjson } from "../../client/protocol/fastjson.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { JsonFile } from "../../store/json_file.ts";

interface OffsetsFile {
  /** "topic@group" → queueId → offset */
  offsetTable: Record<string, Record<string, number>>;
}

export class OffsetTable {
  readonly #file: JsonFile<OffsetsFile>;
  readonly #table = new Map<string, Map<number, number>>();
  #dirty = false;

  /** Reads the table. @throws when the file is damaged and has no good copy. */
  constructor(fileSystem: FileSystem, storePathRootDir: string) {
    this.#file = new JsonFile(fileSystem, `${storePathRootDir}/config`, "consumerOffset.json");
    const loaded = this.#file.load((text) => parseFastjson(text) as OffsetsFile);
    for (const [key, offsets] of Object.entries(loaded?.offsetTable ?? {})) {
      const queues = Object.entries(offsets).map(([id, offset]) => [Number(id), offset] as const);
      this.#table.set(key, new Map(queues));
    }
  }

  /** The group's offset in a queue; undefined when it has none. */
  query(group: string, topic: string, queueId: number): number | undefined {
    return this.#table.get(`${topic}@${group}`)?.get(queueId);
  }

  commit(group: string, topic: string, queueId: number, offset: number): void {
    const key = `${topic}@${group}`;
    let queues = this.#table.get(key);
    if (queues === undefined) this.#table.set(key, queues = new Map());
    queues.set(queueId, offset);
    this.#dirty = true;
  }

  /** Brings offsets that lie beyond their queue's end back to it, and tells which. */
  clamp(maxOffsetOf: (topic: string, queueId: number) => number): string[] {
    const clamped: string[] = [];
    for (const [key, queues] of this.#table) {
      const topic = key.slice(0, key.indexOf("@"));
      for (const [queueId, offset] of queues) {
        const max = maxOffsetOf(topic, queueId);
        if (offset <= max) continue;
        queues.set(queueId, max);
        clamped.push(`${key} queue ${queueId}: ${offset} -> ${max}`);
        this.#dirty = true;
      }
    }
    return clamped;
  }

  /** Writes the offsets to disk if they have changed. */
  save(): void {
    if (!this.#dirty) return;
    const offsetTable: OffsetsFile["offsetTable"] = {};
    for (const [key, queues] of this.#table) offsetTable[key] = Object.fromEntries(queues);
    this.#file.save({ offsetTable });
    this.#dirty = false;
  }
}
