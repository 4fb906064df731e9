/** The broker's consumer groups, kept in `config/subscriptionGroup.json` as Apache has it. */

import {
  type DataVersion,
  firstDataVersion,
  nextVersion,
  parseDataVersion,
} from "../../client/protocol/data_version.ts";
import { SYSTEM_GROUP_PREFIX, SYSTEM_GROUPS } from "../../client/protocol/names.ts";
import { isLmq } from "../../client/protocol/multi_dispatch.ts";
import {
  createSubscriptionGroupConfig,
  parseSubscriptionGroupConfig,
  type SubscriptionGroupConfig,
} from "../../client/protocol/subscription_group_config.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import type { FileSystem } from "../../store/file_system.ts";
import { memberOf, type PersistedTable } from "../../store/json_file.ts";
import type { Log } from "../log.ts";
import { persistedTable, withUnknownFields } from "./persisted_table.ts";
import { changeAttributes, GROUP_ATTRIBUTES } from "./topic_attributes.ts";
import { invalidGroupReason } from "./topic_name.ts";

export interface GroupTableOptions {
  /** The folder of `subscriptionGroup.json`. */
  folder: string;
  fileSystem: FileSystem;
  /** Read when it is needed. */
  settings: Readonly<{ autoCreateSubscriptionGroup: boolean; enableLmq: boolean }>;
  now: () => number;
  log: Log;
}

const GROUP_FIELDS = [...Object.keys(createSubscriptionGroupConfig("")), "subscriptionDataSet"];

interface GroupsFile {
  dataVersion: DataVersion;
  groups: SubscriptionGroupConfig[];
  forbidden: [string, Map<string, number>][];
}

export class GroupTable implements AsyncDisposable {
  readonly #options: GroupTableOptions;
  readonly #groups = new Map<string, SubscriptionGroupConfig>();
  /** Bits that forbid a group something about a topic, by group and topic. */
  readonly #forbidden: Map<string, Map<string, number>>;
  readonly #persisted: PersistedTable<GroupsFile>;
  #dataVersion: DataVersion;

  /** Loads the groups. @throws {CorruptStoreError} when they cannot be read. */
  constructor(options: GroupTableOptions) {
    const { now } = options;
    this.#options = options;
    this.#persisted = persistedTable(options, "subscriptionGroup.json", {
      parse: parseGroupsFile,
      snapshot: () => this.toJson(),
      delayMillis: 0,
    });
    const file = this.#persisted.load();
    this.#dataVersion = file?.dataVersion ?? firstDataVersion(now());
    this.#forbidden = new Map(file?.forbidden);
    const systemGroups = SYSTEM_GROUPS.map((group) => createSubscriptionGroupConfig(group));
    for (const group of [...systemGroups, ...file?.groups ?? []]) {
      this.#groups.set(group.groupName, group);
    }
  }

  /** The groups by name. */
  get groups(): ReadonlyMap<string, SubscriptionGroupConfig> {
    return this.#groups;
  }

  get dataVersion(): DataVersion {
    return this.#dataVersion;
  }

  /** A group, created when it is not there and may be. */
  find(group: string): SubscriptionGroupConfig | undefined {
    const existing = this.#groups.get(group);
    if (existing !== undefined) return existing;
    if (this.#isLight(group)) return createSubscriptionGroupConfig(group);
    const mayCreate = this.#options.settings.autoCreateSubscriptionGroup ||
      group.startsWith(SYSTEM_GROUP_PREFIX);
    if (!mayCreate || invalidGroupReason(group) !== undefined) return undefined;
    const created = createSubscriptionGroupConfig(group);
    this.#put(created, "created a group by itself");
    return created;
  }

  /** Whether a group is there; creates none. */
  has(group: string): boolean {
    return this.#groups.has(group) || this.#isLight(group);
  }

  /** Whether it is one of those that are in no table: there is one of each name. */
  #isLight(group: string): boolean {
    return this.#options.settings.enableLmq && isLmq(group);
  }

  /**
   * Creates or changes a group. Its attributes are changes of the present ones, their keys signed.
   * @throws {RangeError} when an attribute may not change so.
   */
  update(config: SubscriptionGroupConfig): void {
    // They are as they are.
    if (this.#isLight(config.groupName)) return;
    const existing = this.#groups.get(config.groupName);
    const changes = new Map(Object.entries(config.attributes));
    const attributes = changeAttributes(GROUP_ATTRIBUTES, existing?.attributes, changes);
    this.#put(
      withUnknownFields(existing ?? {}, { ...config, attributes }, GROUP_FIELDS),
      existing === undefined ? "created a group" : "changed a group",
    );
  }

  /** Removes a group. False when it is not there. */
  delete(group: string): boolean {
    this.#forbidden.delete(group);
    if (!this.#groups.delete(group)) return false;
    this.#options.log.info("deleted a group", { group });
    this.#changed();
    return true;
  }

  /** The bits that forbid a group something about a topic; 0 for nothing. */
  forbiddenOf(group: string, topic: string): number {
    return Math.max(0, this.#forbidden.get(group)?.get(topic) ?? 0);
  }

  /** Sets or clears a bit that forbids a group something about a topic. */
  setForbidden(group: string, topic: string, bit: number, isSet: boolean): void {
    const known = this.forbiddenOf(group, topic);
    const bits = isSet ? known | bit : known & ~bit;
    if (bits === known) return;
    let topics = this.#forbidden.get(group);
    if (topics === undefined) this.#forbidden.set(group, topics = new Map());
    if (bits === 0) topics.delete(topic);
    else topics.set(topic, bits);
    if (topics.size === 0) this.#forbidden.delete(group);
    this.#options.log.info("what a group may do with a topic has changed", { group, topic, bits });
    this.#changed();
  }

  /** Resolves when all changes so far are on disk. @throws when they cannot be saved. */
  flush(): Promise<void> {
    return this.#persisted.flush();
  }

  /** The document of `subscriptionGroup.json`. */
  toJson(): Record<string, unknown> {
    const forbidden = [...this.#forbidden].map((
      [group, bits],
    ) => [group, Object.fromEntries(bits)]);
    return {
      dataVersion: this.#dataVersion,
      forbiddenTable: Object.fromEntries(forbidden),
      subscriptionGroupTable: Object.fromEntries(this.#groups),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#persisted[Symbol.asyncDispose]();
  }

  #put(config: SubscriptionGroupConfig, message: string): void {
    this.#groups.set(config.groupName, config);
    this.#options.log.info(message, { group: config.groupName });
    this.#changed();
  }

  #changed(): void {
    this.#dataVersion = nextVersion(this.#dataVersion, this.#options.now());
    this.#persisted.markDirty();
  }
}

/**
 * The group, created when it may be.
 * @throws {RemotingError} SUBSCRIPTION_GROUP_NOT_EXIST
 */
export function groupOrRefuse(
  groups: Pick<GroupTable, "find">,
  name: string,
): SubscriptionGroupConfig {
  const group = groups.find(name);
  if (group !== undefined) return group;
  throw refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `subscription group not exist, ${name}`);
}

function parseGroupsFile(json: unknown): GroupsFile {
  const { dataVersion, forbiddenTable } = json as Record<string, unknown>;
  const forbidden = Object.entries(forbiddenTable ?? {}).map(([group, bits]) =>
    [group, new Map(Object.entries(bits as Record<string, number>))] as [
      string,
      Map<string, number>,
    ]
  );
  return {
    dataVersion: parseDataVersion(dataVersion),
    groups: Object.values(memberOf(json, "subscriptionGroupTable")).map((row) =>
      withUnknownFields(row, parseSubscriptionGroupConfig(row), GROUP_FIELDS)
    ),
    forbidden,
  };
}
