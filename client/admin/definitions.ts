/**
 * A cluster's topics, groups and settings as one document: to keep, to look at, to make another cluster of. What the
 * servers have for themselves is not in it, nor are messages, offsets and clients.
 */

import type { AdminClient } from "./admin_client.ts";
import { brokerConfig, updateBrokerConfig } from "./cluster.ts";
import { type BrokerFailure, fanOut, mapLimited } from "./fan_out.ts";
import { createGroup, type Group, type GroupSettings, listGroups } from "./groups.ts";
import { createTopic, findTopicOrNone, listTopics, type Topic } from "./topics.ts";

/** A topic as some brokers have it; all brokers of the cluster when none is named. */
export interface TopicDefinition {
  readonly topic: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  readonly perm: number;
  readonly order: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  readonly brokerNames?: readonly string[] | undefined;
}

/** A group as some brokers have it; all brokers of the cluster when none is named. */
export type GroupDefinition = GroupSettings & {
  readonly group: string;
  readonly brokerNames?: readonly string[] | undefined;
};

export interface Definitions {
  readonly version: 1;
  readonly topics: readonly TopicDefinition[];
  readonly groups: readonly GroupDefinition[];
  /** By broker name. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Reads everything out of a cluster. @param settingNames those of the brokers' settings that belong into it. */
export async function exportDefinitions(
  admin: AdminClient,
  settingNames: ReadonlySet<string>,
): Promise<{ definitions: Definitions; failures: readonly BrokerFailure[] }> {
  const masters = await admin.masters();
  const [{ topics, failures }, { groups }, configs] = await Promise.all([
    listTopics(admin),
    listGroups(admin),
    fanOut(masters, ({ brokerAddr }) => brokerConfig(admin, brokerAddr)),
  ]);
  const settings = configs.answers.map(({ broker, value }) => {
    const wanted = Object.entries(value).filter(([name]) => settingNames.has(name)).sort();
    return [broker.brokerName, Object.fromEntries(wanted)] as const;
  });
  const isAll = (names: readonly string[]) => names.length === masters.length;
  return {
    definitions: {
      version: 1,
      topics: topics.filter(({ type }) => type === "normal")
        .flatMap((topic) => topicDefinitions(topic, isAll)),
      groups: groups.filter(({ type }) => type === "normal")
        .flatMap((group) => groupDefinitions(group, isAll)),
      settings: Object.fromEntries(settings),
    },
    failures,
  };
}

/** One definition for all brokers that agree. */
function topicDefinitions(
  { topic, brokers }: Topic,
  isAll: (names: readonly string[]) => boolean,
): TopicDefinition[] {
  const rows = brokers.map((
    { brokerName, readQueueNums, writeQueueNums, perm, order, attributes },
  ) => ({ brokerName, row: { topic, readQueueNums, writeQueueNums, perm, order, attributes } }));
  return merged(rows, isAll);
}

function groupDefinitions(
  { brokers }: Group,
  isAll: (names: readonly string[]) => boolean,
): GroupDefinition[] {
  const rows = brokers.map(({ broker: { brokerName }, config }) => {
    const { groupName: group, attributes: _, subscriptionDataSet: __, ...settings } = config;
    return { brokerName, row: { group, ...settings } };
  });
  return merged(rows, isAll);
}

function merged<T extends object>(
  rows: readonly { brokerName: string; row: T }[],
  isAll: (names: readonly string[]) => boolean,
): (T & { brokerNames?: string[] })[] {
  const byText = new Map<string, { row: T; brokerNames: string[] }>();
  for (const { brokerName, row } of rows) {
    const text = JSON.stringify(row);
    const known = byText.get(text);
    if (known === undefined) byText.set(text, { row, brokerNames: [brokerName] });
    else known.brokerNames.push(brokerName);
  }
  return [...byText.values()].map(({ row, brokerNames }) =>
    isAll(brokerNames) ? row : { ...row, brokerNames }
  );
}

/** What an import does with one definition. */
export interface DefinitionChange {
  readonly kind: "topic" | "group" | "settings";
  readonly name: string;
  readonly action: "create" | "update" | "unchanged" | "failed";
  /** Why it failed. */
  readonly detail?: string | undefined;
}

const DEFINITIONS_AT_A_TIME = 16;

/**
 * Creates and changes what is in the document; nothing is deleted. What fails does not keep the rest from being done.
 * @param dryRun whether it is only told what would be done.
 */
export async function importDefinitions(
  admin: AdminClient,
  { topics, groups, settings }: Definitions,
  dryRun: boolean,
): Promise<DefinitionChange[]> {
  const current = await exportDefinitions(
    admin,
    new Set(Object.values(settings).flatMap(Object.keys)),
  );
  const known = keysOf(current.definitions);
  const exact = new Set([
    ...current.definitions.topics.map(textOf),
    ...current.definitions.groups.map(textOf),
  ]);
  const actionOf = (key: string, definition: object) =>
    !known.has(key) ? "create" : exact.has(textOf(definition)) ? "unchanged" : "update";
  const rows: Planned[] = [
    ...topics.map((definition): Planned => ({
      kind: "topic",
      name: definition.topic,
      action: actionOf(`topic ${definition.topic}`, definition),
      apply: () => importTopic(admin, definition),
    })),
    ...groups.map((definition): Planned => ({
      kind: "group",
      name: definition.group,
      action: actionOf(`group ${definition.group}`, definition),
      apply: () => importGroup(admin, definition),
    })),
    ...Object.entries(settings).map(([brokerName, values]): Planned => ({
      kind: "settings",
      name: brokerName,
      ...settingsAction(values, current.definitions.settings[brokerName]),
      apply: () => importSettings(admin, brokerName, values),
    })),
  ];
  return await mapLimited(rows, DEFINITIONS_AT_A_TIME, async ({ apply, ...change }) => {
    if (dryRun || change.action === "unchanged" || change.action === "failed") return change;
    try {
      const [first] = (await apply()).failures;
      return first === undefined ? change : { ...change, action: "failed", detail: first.detail };
    } catch (error) {
      return { ...change, action: "failed", detail: (error as Error).message };
    }
  });
}

type Outcome = { readonly failures: readonly BrokerFailure[] };
type Planned = DefinitionChange & { readonly apply: () => Promise<Outcome> };

function keysOf({ topics, groups }: Definitions): Set<string> {
  return new Set([
    ...topics.map(({ topic }) => `topic ${topic}`),
    ...groups.map(({ group }) => `group ${group}`),
  ]);
}

/** The same text for the same definition, in whatever order its fields are. */
function textOf(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).filter(([, v]) => v !== undefined).sort())
        : part,
  );
}

function settingsAction(
  values: Readonly<Record<string, string>>,
  current: Readonly<Record<string, string>> | undefined,
): Pick<DefinitionChange, "action" | "detail"> {
  if (current === undefined) return { action: "failed", detail: "No such broker is registered" };
  const isSame = Object.entries(values).every(([name, value]) => current[name] === value);
  return { action: isSame ? "unchanged" : "update" };
}

async function importTopic(admin: AdminClient, definition: TopicDefinition): Promise<Outcome> {
  const { topic, brokerNames, attributes, ...settings } = definition;
  const existing = await findTopicOrNone(admin, topic);
  const changes = attributeChanges(existing?.brokers[0]?.attributes ?? {}, attributes);
  return await createTopic(admin, topic, { ...settings, attributes: changes }, { brokerNames });
}

/** Only what differs: some attributes may not be named again, even with the value that they have. */
function attributeChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Record<string, string | null> {
  const gone = Object.keys(before).filter((name) => after[name] === undefined);
  const changed = Object.entries(after).filter(([name, value]) => before[name] !== value);
  return {
    ...Object.fromEntries(gone.map((name) => [name, null])),
    ...Object.fromEntries(changed),
  };
}

async function importGroup(admin: AdminClient, definition: GroupDefinition): Promise<Outcome> {
  const { group, brokerNames, ...settings } = definition;
  return await createGroup(admin, group, settings, { brokerNames });
}

async function importSettings(
  admin: AdminClient,
  brokerName: string,
  values: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const { brokerAddr } = await admin.master(brokerName);
  await updateBrokerConfig(admin, brokerAddr, values);
  return { failures: [] };
}
