/** Who is connected: the consumers of a group, what they say of themselves, and producers. */

import { GET_CONSUMER_RUNNING_INFO } from "../protocol/commands/admin_consumer.ts";
import {
  GET_ALL_PRODUCER_INFO,
  GET_CONSUMER_CONNECTION_LIST,
  GET_PRODUCER_CONNECTION_LIST,
} from "../protocol/commands/admin_group.ts";
import { versionText } from "../protocol/mq_version.ts";
import { ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, type BrokerAddress, parseJson } from "./admin_client.ts";
import { type BrokerFailure, fanOut, mapLimited } from "./fan_out.ts";
import { numberOf, queueEntries } from "./message_queue.ts";
import { compareText, type MessageQueue, queueKey } from "../protocol/message_queue.ts";

/** A client as brokers know it from its heartbeats. */
export interface Client {
  readonly clientId: string;
  readonly clientAddr: string;
  readonly language: string;
  /** Of its library, as in V5_3_3. */
  readonly version: string;
  /** The brokers that it is connected to. */
  readonly brokerNames: readonly string[];
}

/** What a group wants of a topic. */
export interface Subscription {
  readonly topic: string;
  /** `*`, tags with `||` between them, or an expression. */
  readonly subString: string;
  /** TAG or SQL92. */
  readonly expressionType: string;
  readonly subVersion: number;
}

/** The members of a group; a group of which nobody is there has none. */
export interface GroupConnections {
  readonly clients: readonly Client[];
  readonly consumeType: string | undefined;
  readonly messageModel: string | undefined;
  readonly consumeFromWhere: string | undefined;
  readonly subscriptions: readonly Subscription[];
  readonly failures: readonly BrokerFailure[];
}

interface ConsumerConnection {
  connectionSet?: Record<string, unknown>[];
  consumeType?: string;
  messageModel?: string;
  consumeFromWhere?: string;
  subscriptionTable?: Record<string, Record<string, unknown>>;
}

/** Who of a group is there. @throws {RemotingError} when no broker answers. */
export async function groupConnections(
  admin: AdminClient,
  group: string,
  brokers: readonly BrokerAddress[],
): Promise<GroupConnections> {
  const accept = [ResponseCode.CONSUMER_NOT_ONLINE];
  const { answers, failures } = await fanOut(brokers, async ({ brokerAddr }) => {
    const header = { consumerGroup: group };
    const answer = await admin.invoke(brokerAddr, GET_CONSUMER_CONNECTION_LIST, header, { accept });
    if (answer.code !== ResponseCode.SUCCESS) return undefined;
    return parseJson(answer.body) as ConsumerConnection;
  });
  const known = answers.flatMap(({ broker, value }) =>
    value === undefined ? [] : [{ broker, value }]
  );
  const [first] = known;
  const subscriptions = new Map<string, Subscription>();
  for (const { value } of known) {
    for (
      const subscription of Object.values(value.subscriptionTable ?? {}).map(parseSubscription)
    ) {
      subscriptions.set(subscription.topic, subscription);
    }
  }
  return {
    clients: mergeClients(
      known.flatMap(({ broker, value }) =>
        (value.connectionSet ?? []).map((connection) => ({ connection, broker }))
      ),
    ),
    consumeType: first?.value.consumeType,
    messageModel: first?.value.messageModel,
    consumeFromWhere: first?.value.consumeFromWhere,
    subscriptions: [...subscriptions.values()].sort((a, b) => compareText(a.topic, b.topic)),
    failures,
  };
}

/** Reads a SubscriptionData. */
export function parseSubscription(json: unknown): Subscription {
  const { topic, subString, expressionType, subVersion } = (json ?? {}) as Record<string, unknown>;
  return {
    topic: String(topic ?? ""),
    subString: String(subString ?? ""),
    expressionType: String(expressionType ?? "TAG"),
    subVersion: numberOf(subVersion),
  };
}

/** The same client at several brokers is one; the address is that of the connection to the first. */
function mergeClients(
  connections: readonly { connection: Record<string, unknown>; broker: BrokerAddress }[],
): Client[] {
  const clients = new Map<string, Client & { brokerNames: string[] }>();
  for (const { connection, broker: { brokerName } } of connections) {
    const clientId = String(connection["clientId"] ?? "");
    const existing = clients.get(clientId);
    if (existing !== undefined) {
      if (!existing.brokerNames.includes(brokerName)) existing.brokerNames.push(brokerName);
      continue;
    }
    clients.set(clientId, {
      clientId,
      clientAddr: String(connection["clientAddr"] ?? connection["remoteIP"] ?? "").replace(
        /^\//,
        "",
      ),
      language: String(connection["language"] ?? ""),
      version: versionText(numberOf(connection["version"])),
      brokerNames: [brokerName],
    });
  }
  return [...clients.values()].sort((a, b) => compareText(a.clientId, b.clientId));
}

/** What a consumer says of itself. */
export interface RunningInfo {
  readonly clientId: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly subscriptions: readonly Subscription[];
  /** The queues that it has, to pull from. */
  readonly queues: readonly ({ queue: MessageQueue; value: Record<string, unknown> })[];
  /** The queues that it pops from. */
  readonly popQueues: readonly ({ queue: MessageQueue; value: Record<string, unknown> })[];
  /** Rates and times, by topic. */
  readonly status: Readonly<Record<string, Record<string, unknown>>>;
  readonly jstack: string | undefined;
}

export interface RunningInfoOptions {
  /** Whether it shall add the stacks of its threads. */
  readonly jstack?: boolean;
  readonly timeoutMillis?: number;
}

/** The broker waits for the client so long, and one of its answers may be on its way a little longer. */
const RUNNING_INFO_TIMEOUT_MILLIS = 12_000;

/** Asks a consumer through a broker. @throws {RemotingError} when it is not there or does not answer. */
export async function runningInfo(
  admin: AdminClient,
  brokerAddr: string,
  group: string,
  clientId: string,
  { jstack = false, timeoutMillis = RUNNING_INFO_TIMEOUT_MILLIS }: RunningInfoOptions = {},
): Promise<RunningInfo> {
  const { body } = await admin.invoke(brokerAddr, GET_CONSUMER_RUNNING_INFO, {
    consumerGroup: group,
    clientId,
    jstackEnable: jstack,
  }, { timeoutMillis });
  const json = (parseJson(body) ?? {}) as Record<string, unknown>;
  return {
    clientId,
    properties: textsOf(json["properties"]),
    subscriptions: ((json["subscriptionSet"] ?? []) as unknown[]).map(parseSubscription),
    queues: queueEntries(json["mqTable"]),
    popQueues: queueEntries(json["mqPopTable"]),
    status: (json["statusTable"] ?? {}) as Record<string, Record<string, unknown>>,
    jstack: typeof json["jstack"] === "string" ? json["jstack"] : undefined,
  };
}

function textsOf(value: unknown): Record<string, string> {
  const rows = Object.entries(value ?? {}).map(([name, text]) => [name, String(text)]);
  return Object.fromEntries(rows);
}

/** Clients that answer late are not waited for when many are asked. */
const MANY_TIMEOUT_MILLIS = 1_000;
const CLIENTS_AT_A_TIME = 32;

/** What all members of a group say of themselves; those that do not answer are left out. */
export async function runningInfos(
  admin: AdminClient,
  group: string,
  { clients }: Pick<GroupConnections, "clients">,
  brokers: readonly BrokerAddress[],
): Promise<RunningInfo[]> {
  const found = await mapLimited(clients, CLIENTS_AT_A_TIME, async ({ clientId, brokerNames }) => {
    const broker = brokers.find(({ brokerName }) => brokerNames.includes(brokerName));
    if (broker === undefined) return undefined;
    try {
      const options = { timeoutMillis: MANY_TIMEOUT_MILLIS };
      return await runningInfo(admin, broker.brokerAddr, group, clientId, options);
    } catch {
      // Many clients in other languages do not know the question.
      return undefined;
    }
  });
  return found.filter((info) => info !== undefined);
}

/** The id of the client that has a queue, by the keys of `queueKey`. */
export async function consumerQueues(
  admin: AdminClient,
  group: string,
  brokers: readonly BrokerAddress[],
): Promise<Map<string, string>> {
  const connections = await groupConnections(admin, group, brokers);
  const infos = await runningInfos(admin, group, connections, brokers);
  const owners = new Map<string, string>();
  for (const { clientId, queues, popQueues } of infos) {
    for (const { queue } of [...queues, ...popQueues]) {
      owners.set(queueKey(queue), clientId);
    }
  }
  return owners;
}

/** Members of a group that want something else of a topic than others do: each gets only a part of what it wants. */
export interface SubscriptionMismatch {
  readonly topic: string;
  readonly variants: readonly {
    /** Undefined when the clients do not subscribe to the topic. */
    readonly subString: string | undefined;
    readonly expressionType: string | undefined;
    readonly clientIds: readonly string[];
  }[];
}

/** Compares what the members of a group subscribe to; their retry topic is everybody's own affair. */
export function subscriptionMismatches(infos: readonly RunningInfo[]): SubscriptionMismatch[] {
  const topics = new Set(infos.flatMap(({ subscriptions }) => subscriptions.map((s) => s.topic)));
  return [...topics].sort(compareText).flatMap((topic) => {
    const variants = new Map<string, {
      subString: string | undefined;
      expressionType: string | undefined;
      clientIds: string[];
    }>();
    for (const { clientId, subscriptions } of infos) {
      const found = subscriptions.find((subscription) => subscription.topic === topic);
      const key = `${found?.expressionType} ${found?.subString}`;
      const variant = variants.get(key);
      if (variant !== undefined) variant.clientIds.push(clientId);
      else {
        const { subString, expressionType } = found ?? {};
        variants.set(key, { subString, expressionType, clientIds: [clientId] });
      }
    }
    return variants.size > 1 ? [{ topic, variants: [...variants.values()] }] : [];
  });
}

/** Producers by group, as the brokers know them. */
export async function listProducers(
  admin: AdminClient,
): Promise<{ producers: Map<string, Client[]>; failures: readonly BrokerFailure[] }> {
  const { answers, failures } = await fanOut(await admin.masters(), async ({ brokerAddr }) => {
    const { body } = await admin.invoke(brokerAddr, GET_ALL_PRODUCER_INFO, {});
    return ((parseJson(body) ?? {}) as { data?: Record<string, Record<string, unknown>[]> }).data ??
      {};
  });
  const byGroup = new Map<string, Parameters<typeof mergeClients>[0][number][]>();
  for (const { broker, value } of answers) {
    for (const [group, connections] of Object.entries(value)) {
      const rows = connections.map((connection) => ({ connection, broker }));
      byGroup.set(group, [...byGroup.get(group) ?? [], ...rows]);
    }
  }
  const producers = new Map([...byGroup].map(([group, rows]) => [group, mergeClients(rows)]));
  return { producers, failures };
}

/** The producers of one group; none when nobody is there. */
export async function producerConnections(
  admin: AdminClient,
  producerGroup: string,
): Promise<{ clients: Client[]; failures: readonly BrokerFailure[] }> {
  // A group of which nobody is there is refused with this code.
  const accept = [ResponseCode.SYSTEM_ERROR];
  const { answers, failures } = await fanOut(await admin.masters(), async ({ brokerAddr }) => {
    const { code, body } = await admin.invoke(
      brokerAddr,
      GET_PRODUCER_CONNECTION_LIST,
      { producerGroup },
      { accept },
    );
    if (code !== ResponseCode.SUCCESS) return [];
    return (parseJson(body) as ConsumerConnection).connectionSet ?? [];
  });
  const rows = answers.flatMap(({ broker, value }) =>
    value.map((connection) => ({ connection, broker }))
  );
  return { clients: mergeClients(rows), failures };
}
