/** Whether a group pulls or pops a topic, where an admin has said so: `config/messageRequestMode.json` as Apache has it. */

import type { FileSystem } from "../../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../../store/json_file.ts";
import type { Log } from "../../log.ts";
import { persistedTable } from "../persisted_table.ts";

export const MESSAGE_REQUEST_MODES = ["PULL", "POP"] as const;
export type MessageRequestMode = typeof MESSAGE_REQUEST_MODES[number];

/** One group and topic, in its JSON form. */
export interface RequestMode {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly mode: MessageRequestMode;
  /** How many other clients' queues a client pops as well; 0 and less for all queues. */
  readonly popShareQueueNum: number;
}

type Modes = Map<string, Map<string, RequestMode>>;

export class RequestModeTable implements AsyncDisposable {
  /** By topic and group. */
  readonly #modes: Modes;
  readonly #persisted: PersistedTable<Modes>;

  /** Loads the modes. @throws {CorruptStoreError} when they cannot be read. */
  constructor(options: { folder: string; fileSystem: FileSystem; log: Log }) {
    this.#persisted = persistedTable(options, "messageRequestMode.json", {
      parse: parseModes,
      snapshot: () => this.toJson(),
      delayMillis: 0,
    });
    this.#modes = this.#persisted.load() ?? new Map();
  }

  find(topic: string, consumerGroup: string): RequestMode | undefined {
    return this.#modes.get(topic)?.get(consumerGroup);
  }

  /** Sets a mode. Resolves when that is on disk. @throws when it cannot be saved. */
  async set(mode: RequestMode): Promise<void> {
    put(this.#modes, mode);
    this.#persisted.markDirty();
    await this.#persisted.flush();
  }

  /** The document of `messageRequestMode.json`. */
  toJson(): Record<string, unknown> {
    const topics = [...this.#modes].map(([topic, groups]) => [topic, Object.fromEntries(groups)]);
    return { messageRequestModeMap: Object.fromEntries(topics) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
  }
}

/**
 * Reads a mode out of parsed JSON.
 * @throws {TypeError} when it does not say for which group and topic.
 */
export function parseRequestMode(value: unknown): RequestMode {
  const json = (value ?? {}) as Record<string, unknown>;
  const { topic, consumerGroup, mode, popShareQueueNum } = json;
  if (typeof topic !== "string" || typeof consumerGroup !== "string") {
    throw new TypeError("a message request mode needs a topic and a consumerGroup");
  }
  return {
    topic,
    consumerGroup,
    mode: MESSAGE_REQUEST_MODES.find((known) => known === mode) ?? "PULL",
    popShareQueueNum: Number.isInteger(popShareQueueNum) ? popShareQueueNum as number : 0,
  };
}

function parseModes(json: unknown): Modes {
  const modes: Modes = new Map();
  for (const groups of Object.values(memberOf(json, "messageRequestModeMap"))) {
    for (const mode of Object.values(groups as object)) put(modes, parseRequestMode(mode));
  }
  return modes;
}

function put(modes: Modes, mode: RequestMode): void {
  const groups = modes.get(mode.topic);
  if (groups === undefined) modes.set(mode.topic, new Map([[mode.consumerGroup, mode]]));
  else groups.set(mode.consumerGroup, mode);
}
