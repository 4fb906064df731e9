/**
 * The name server's small configuration store: texts by namespace and key, kept in Apache's `kvConfig.json`
 * (`{"configTable":{namespace:{key:value}}}`). The file is never half written, and the one before it is kept as `.bak`.
 */

import { dirname } from "node:path";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import { Coalesced } from "../coalesced.ts";
import type { Log } from "../log.ts";

/** What admins fix about ordered topics: `brokerName:queueNums;…` by topic. */
export const ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG";

type ConfigTable = Map<string, Map<string, string>>;

export class KvConfig {
  readonly #path: string | undefined;
  readonly #table: ConfigTable;
  readonly #writes = new Coalesced(() => this.#write());

  private constructor(path: string | undefined, table: ConfigTable) {
    this.#path = path;
    this.#table = table;
  }

  /**
   * Reads the table from `path`; without one it lives in memory only.
   * @throws when there are files and none can be read.
   */
  static async load(path: string | undefined, log: Log): Promise<KvConfig> {
    return new KvConfig(path, path === undefined ? new Map() : await readTable(path, log));
  }

  /** The value of a key. */
  get(namespace: string, key: string): string | undefined {
    return this.#table.get(namespace)?.get(key);
  }

  /** The values of a namespace by key. */
  list(namespace: string): ReadonlyMap<string, string> | undefined {
    return this.#table.get(namespace);
  }

  /** Sets a value. Resolves when it is on the disk. @throws when it cannot be written; it counts until a restart then. */
  put(namespace: string, key: string, value: string): Promise<void> {
    let values = this.#table.get(namespace);
    if (values === undefined) this.#table.set(namespace, values = new Map());
    values.set(key, value);
    return this.#writes.run();
  }

  /** Removes a value. Resolves when that is on the disk. @throws as `put` does. */
  delete(namespace: string, key: string): Promise<void> {
    const isKnown = this.#table.get(namespace)?.delete(key) ?? false;
    return isKnown ? this.#writes.run() : Promise.resolve();
  }

  async #write(): Promise<void> {
    if (this.#path === undefined) return;
    const rows = [...this.#table].map(([name, values]) => [name, Object.fromEntries(values)]);
    const text = JSON.stringify({ configTable: Object.fromEntries(rows) });
    try {
      await replaceFile(this.#path, text);
    } catch (error) {
      throw new Error(`Cannot write ${this.#path}`, { cause: error });
    }
  }
}

async function readTable(path: string, log: Log): Promise<ConfigTable> {
  let failure: unknown;
  for (const candidate of [path, `${path}.bak`]) {
    try {
      const table = parseTable(await Deno.readTextFile(candidate));
      if (failure !== undefined) {
        log.warn("took the last good copy of a damaged file", {
          path,
          copy: candidate,
          error: failure,
        });
      }
      return table;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      failure ??= new Error(`Cannot read ${candidate}`, { cause: error });
    }
  }
  if (failure !== undefined) throw failure;
  return new Map();
}

function parseTable(text: string): ConfigTable {
  const { configTable } = parseFastjson(text) as { configTable?: Record<string, object> };
  const table: ConfigTable = new Map();
  for (const [namespace, values] of Object.entries(configTable ?? {})) {
    table.set(
      namespace,
      new Map(Object.entries(values).map(([key, value]) => [key, String(value)])),
    );
  }
  return table;
}

/** A crash at any point leaves the new text, or the old one under one of its two names. */
async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await Deno.mkdir(folder, { recursive: true });
  {
    using file = await Deno.open(`${path}.tmp`, { write: true, create: true, truncate: true });
    const bytes = new TextEncoder().encode(text);
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
    await file.sync();
  }
  try {
    await Deno.rename(path, `${path}.bak`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.rename(`${path}.tmp`, path);
  using opened = await Deno.open(folder);
  await opened.sync();
}
