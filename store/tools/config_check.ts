/** Checks the JSON documents of a data folder: that they can be read, and that offsets lie in their queues. */

import { parseFastjson } from "../../client/protocol/fastjson.ts";
import type { FileSystem } from "../file_system.ts";
import { SCHEDULE_TOPIC } from "../dispatch.ts";
import type { FindingList } from "./findings.ts";
import { relativePath } from "./store_files.ts";

/** A document that a start would not read as it should. */
export interface BrokenJson {
  path: string;
  /** Whether `<path>.bak` is whole. */
  hasCopy: boolean;
}

/** A consumer offset past the end of its queue. */
export interface OffsetPastEnd {
  /** The key in `consumerOffset.json`, "topic@group", or the delay level in `delayOffset.json`. */
  key: string;
  queueId: number;
  queueOffset: number;
  maxOffset: number;
}

/** First and next queueOffset of a queue; undefined when the queue never was. */
export type QueueBounds = (
  topic: string,
  queueId: number,
) => { firstOffset: number; nextOffset: number } | undefined;

export interface ConfigCheckOptions {
  fileSystem: FileSystem;
  /** The data folder. */
  folder: string;
  findings: FindingList;
  /** The last stop was orderly. */
  clean: boolean;
}

type Json = Record<string, unknown>;

export class ConfigCheck {
  readonly broken: BrokenJson[] = [];
  readonly consumerOffsets: OffsetPastEnd[] = [];
  readonly delayOffsets: OffsetPastEnd[] = [];
  /** The topics that exist; undefined when `topics.json` cannot be read. */
  readonly knownTopics: ReadonlySet<string> | undefined;
  readonly #options: ConfigCheckOptions;
  readonly #documents = new Map<string, Json>();

  /** Reads every document. */
  constructor(options: ConfigCheckOptions) {
    this.#options = options;
    for (const folder of ["config", "namesrv"]) this.#readFolder(`${options.folder}/${folder}`);
    const topics = this.#documents.get(`${options.folder}/config/topics.json`);
    const table = topics?.["topicConfigTable"];
    this.knownTopics = isJson(table) ? new Set(Object.keys(table)) : undefined;
  }

  #readFolder(folder: string): void {
    const { fileSystem, findings } = this.#options;
    const names = fileSystem.listSync(folder);
    for (const name of names) {
      const file = relativePath(this.#options.folder, `${folder}/${name}`);
      if (name.endsWith(".json")) this.#readDocument(`${folder}/${name}`);
      if (name.endsWith(".json.bak") && !names.includes(name.slice(0, -4))) {
        this.#readDocument(`${folder}/${name.slice(0, -4)}`);
      }
      if (/\.json\.(tmp|damaged)$/.test(name)) {
        findings.add("jsonLeftover", file, undefined, "left over from a save that did not end");
      }
    }
  }

  /** Reads a document, or what a start would take in its place. */
  #readDocument(path: string): void {
    const { findings, folder } = this.#options;
    const main = this.#parse(path);
    if (isJson(main)) {
      this.#documents.set(path, main);
      return;
    }
    const file = relativePath(folder, path);
    const copy = this.#parse(`${path}.bak`);
    if (isJson(copy)) this.#documents.set(path, copy);
    if (main === undefined) {
      // What a crash between two renames leaves; a copy that cannot be read then is no copy.
      if (isJson(copy)) findings.add("jsonMissing", file, undefined, "only its copy .bak is there");
      else findings.add("jsonDamaged", file, undefined, `it is missing; of its copy: ${copy}`);
    } else if (isJson(copy)) {
      findings.add("jsonFromCopy", file, undefined, `${main}; a start takes its copy .bak`);
    } else {
      const reason = copy === undefined ? "there is no copy .bak" : `of its copy .bak: ${copy}`;
      findings.add("jsonDamaged", file, undefined, `${main}; ${reason}`);
    }
    if (main !== undefined || !isJson(copy)) this.broken.push({ path, hasCopy: isJson(copy) });
  }

  /** The document, why it is none, or undefined when there is no such file. */
  #parse(path: string): Json | string | undefined {
    const { fileSystem } = this.#options;
    if (!fileSystem.existsSync(path)) return undefined;
    const text = fileSystem.readTextSync(path);
    if (text.trim() === "") return "it is empty";
    try {
      const json = parseFastjson(text);
      return isJson(json) ? json : "it is no JSON object";
    } catch (error) {
      return `it is no JSON (${(error as Error).message})`;
    }
  }

  /** Compares the offsets with the queues. */
  checkOffsets(boundsOf: QueueBounds): void {
    this.#checkConsumerOffsets(boundsOf);
    this.#checkDelayOffsets(boundsOf);
  }

  #offsetTable(name: string): [string, unknown][] {
    const document = this.#documents.get(`${this.#options.folder}/config/${name}`);
    const table = document?.["offsetTable"];
    return isJson(table) ? Object.entries(table) : [];
  }

  #checkConsumerOffsets(boundsOf: QueueBounds): void {
    const { findings, clean } = this.#options;
    for (const [key, queues] of this.#offsetTable("consumerOffset.json")) {
      const [topic, group, ...rest] = key.split("@");
      if (!topic || !group || rest.length > 0 || !isJson(queues)) continue;
      for (const [queue, queueOffset] of Object.entries(queues)) {
        const queueId = Number(queue);
        if (!Number.isSafeInteger(queueId) || !Number.isSafeInteger(queueOffset)) continue;
        const offset = queueOffset as number;
        const { firstOffset, nextOffset } = boundsOf(topic, queueId) ?? NO_QUEUE;
        const text = `group ${group} stands at ${offset} of ${topic}/${queueId}`;
        if (offset > nextOffset) {
          this.consumerOffsets.push({ key, queueId, queueOffset: offset, maxOffset: nextOffset });
          const kind = clean ? "offsetPastEnd" : "offsetAhead";
          findings.add(kind, CONSUMER_OFFSETS, undefined, `${text}, which ends at ${nextOffset}`);
        } else if (offset < firstOffset) {
          const what = `${text}, which begins at ${firstOffset}: messages were deleted unread`;
          findings.add("offsetBehind", CONSUMER_OFFSETS, undefined, what);
        }
      }
    }
  }

  #checkDelayOffsets(boundsOf: QueueBounds): void {
    const { findings } = this.#options;
    for (const [key, queueOffset] of this.#offsetTable("delayOffset.json")) {
      if (!/^\d+$/.test(key) || !Number.isSafeInteger(queueOffset)) continue;
      const queueId = Number(key) - 1;
      const maxOffset = boundsOf(SCHEDULE_TOPIC, queueId)?.nextOffset ?? 0;
      const offset = queueOffset as number;
      if (offset <= maxOffset) continue;
      this.delayOffsets.push({ key, queueId, queueOffset: offset, maxOffset });
      const what = `level ${key} stands at ${offset} of a queue that ends at ${maxOffset}`;
      findings.add("delayOffsetPastEnd", "config/delayOffset.json", undefined, what);
    }
  }
}

const CONSUMER_OFFSETS = "config/consumerOffset.json";
const NO_QUEUE = { firstOffset: 0, nextOffset: 0 };

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
