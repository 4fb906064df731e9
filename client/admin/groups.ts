/** Consumer groups of a cluster: what there is, creating, changing and deleting. */

import * as adminGroup from "../protocol/commands/admin_group.ts";
import * as commands from "../protocol/commands/group.ts";
import { encodeUtf8 } from "../protocol/bytes.ts";
import {
  DLQ_GROUP_TOPIC_PREFIX,
  isSystemGroup,
  RETRY_GROUP_TOPIC_PREFIX,
} from "../protocol/names.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import {
  createSubscriptionGroupConfig,
  parseSubscriptionGroupConfig,
  type SubscriptionGroupConfig,
} from "../protocol/subscription_group_config.ts";
import { type AdminClient, type BrokerAddress, parseJson } from "./admin_client.ts";
import { type BrokerFailure, type FanOut, fanOut } from "./fan_out.ts";
import { compareText } from "../protocol/message_queue.ts";
import { type BrokerChoice, chooseMasters, deleteTopic, findTopicOrNone } from "./topics.ts";

export const GROUP_TYPES = ["normal", "system"] as const;
export type GroupType = (typeof GROUP_TYPES)[number];

/** A group as one broker has it. */
export interface BrokerGroup {
  readonly broker: BrokerAddress;
  readonly config: SubscriptionGroupConfig;
}

/** A group with all brokers that have it; there is at least one. */
export interface Group {
  readonly group: string;
  readonly type: GroupType;
  readonly brokers: readonly BrokerGroup[];
}

/** All groups of all masters by name: one request to each broker, however many groups there are. */
export async function listGroups(
  admin: AdminClient,
): Promise<{ groups: readonly Group[]; failures: readonly BrokerFailure[] }> {
  const { answers, failures } = await fanOut(await admin.masters(), async ({ brokerAddr }) => {
    return Object.values(await groupTable(admin, brokerAddr)).map(parseSubscriptionGroupConfig);
  });
  const byName = new Map<string, BrokerGroup[]>();
  for (const { broker, value } of answers) {
    for (const config of value) {
      const known = byName.get(config.groupName);
      if (known === undefined) byName.set(config.groupName, [{ broker, config }]);
      else known.push({ broker, config });
    }
  }
  const groups = [...byName].map(([group, brokers]) => groupOf(group, brokers))
    .sort((left, right) => compareText(left.group, right.group));
  return { groups, failures };
}

/** One group. @throws {RemotingError} SUBSCRIPTION_GROUP_NOT_EXIST when no broker has it. */
export async function findGroup(
  admin: AdminClient,
  group: string,
): Promise<{ group: Group; failures: readonly BrokerFailure[] }> {
  const { answers, failures } = await fanOut(await admin.masters(), async ({ brokerAddr }) => {
    const table = await groupTable(admin, brokerAddr);
    return Object.hasOwn(table, group) ? parseSubscriptionGroupConfig(table[group]) : undefined;
  });
  const brokers = answers.flatMap(({ broker, value: config }) =>
    config === undefined ? [] : [{ broker, config }]
  );
  if (brokers.length === 0) {
    throw refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `No broker has a group ${group}`);
  }
  return { group: groupOf(group, brokers), failures };
}

/** All groups of a broker. Asking for one of them, as GET_SUBSCRIPTIONGROUP_CONFIG does, would create it. */
async function groupTable(
  admin: AdminClient,
  brokerAddr: string,
): Promise<Readonly<Record<string, unknown>>> {
  const { body } = await admin.invoke(brokerAddr, commands.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {});
  const { subscriptionGroupTable } = (parseJson(body) ?? {}) as Record<string, object>;
  return (subscriptionGroupTable ?? {}) as Record<string, unknown>;
}

/** The same, undefined when no broker has it. */
export async function findGroupOrNone(
  admin: AdminClient,
  group: string,
): Promise<Group | undefined> {
  try {
    return (await findGroup(admin, group)).group;
  } catch (error) {
    const { code } = error as { code?: number };
    if (code === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST) return undefined;
    throw error;
  }
}

function groupOf(group: string, brokers: readonly BrokerGroup[]): Group {
  return { group, type: isSystemGroup(group) ? "system" : "normal", brokers };
}

/** What can be said about a group; what is left out stays as it is, or has Java's default for a new one. */
export type GroupSettings = {
  readonly [K in Exclude<keyof SubscriptionGroupConfig, "groupName" | "attributes">]?:
    | SubscriptionGroupConfig[K]
    | undefined;
};

/** Creates a group, or sets it as `settings` say where it is there. @throws {RemotingError} */
export async function createGroup(
  admin: AdminClient,
  group: string,
  settings: GroupSettings,
  choice: BrokerChoice = {},
): Promise<FanOut<void>> {
  const config = { ...createSubscriptionGroupConfig(group), ...defined(settings) };
  const masters = await chooseMasters(admin, choice);
  return await fanOut(masters, ({ brokerAddr }) => putGroup(admin, brokerAddr, config));
}

/** Changes a group at the brokers that have it. @throws {RemotingError} */
export async function updateGroup(
  admin: AdminClient,
  { brokers }: Group,
  settings: GroupSettings,
): Promise<FanOut<void>> {
  const targets = brokers.map(({ broker, config }) => ({ ...broker, config }));
  return await fanOut(targets, ({ brokerAddr, config }) =>
    // The attributes of a request are changes.
    putGroup(admin, brokerAddr, { ...config, ...defined(settings), attributes: {} }));
}

async function putGroup(
  admin: AdminClient,
  brokerAddr: string,
  config: SubscriptionGroupConfig,
): Promise<void> {
  const body = encodeUtf8(JSON.stringify(config));
  await admin.invoke(brokerAddr, commands.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, { body });
}

function defined(settings: GroupSettings): Partial<SubscriptionGroupConfig> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/** What is deleted with a group. */
export interface DeleteGroupOptions {
  /** Whether the group's offsets go as well. */
  readonly cleanOffset: boolean;
  /** Whether its retry topic and its dead letters go as well. */
  readonly deleteTopics: boolean;
}

/** The topics that a group has for itself and that are there. */
export async function topicsOfGroup(admin: AdminClient, group: string): Promise<string[]> {
  const names = [RETRY_GROUP_TOPIC_PREFIX + group, DLQ_GROUP_TOPIC_PREFIX + group];
  const found = await Promise.all(names.map((name) => findTopicOrNone(admin, name)));
  return found.flatMap((topic) => topic === undefined ? [] : [topic.topic]);
}

/** Deletes a group at the brokers that have it. @throws {RemotingError} */
export async function deleteGroup(
  admin: AdminClient,
  { group, brokers }: Group,
  { cleanOffset, deleteTopics }: DeleteGroupOptions,
): Promise<FanOut<void>> {
  const result = await fanOut(brokers.map(({ broker }) => broker), async ({ brokerAddr }) => {
    const header = { groupName: group, cleanOffset };
    await admin.invoke(brokerAddr, adminGroup.DELETE_SUBSCRIPTIONGROUP, header);
  });
  if (deleteTopics) {
    for (const topic of await topicsOfGroup(admin, group)) await deleteTopic(admin, topic);
  }
  return result;
}
