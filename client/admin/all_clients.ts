/** All clients of a cluster: producers and consumers, by id. */

import type { AdminClient, BrokerAddress } from "./admin_client.ts";
import {
  type Client,
  groupConnections,
  listProducers,
  type RunningInfo,
  runningInfo,
} from "./clients.ts";
import { type BrokerFailure, mapLimited } from "./fan_out.ts";
import { listGroups } from "./groups.ts";
import { numberOf } from "./message_queue.ts";
import { compareText } from "../protocol/message_queue.ts";

/** A client with the groups that it is in. */
export interface ClusterClient extends Client {
  readonly producerGroups: readonly string[];
  readonly consumerGroups: readonly string[];
}

/** What a consumer says it does each second, over all its topics and groups. */
export interface ClientRates {
  readonly pullTps: number;
  readonly consumeOkTps: number;
  readonly consumeFailedTps: number;
}

const GROUPS_AT_A_TIME = 64;
const CLIENTS_AT_A_TIME = 16;
const RATES_TIMEOUT_MILLIS = 3_000;

/**
 * Everybody who is connected. Brokers name all producers at once but consumers by group only, so that each group is a
 * question of its own.
 */
export async function listClients(
  admin: AdminClient,
): Promise<{ clients: ClusterClient[]; failures: readonly BrokerFailure[] }> {
  const [{ producers, failures }, { groups }] = await Promise.all([
    listProducers(admin),
    listGroups(admin),
  ]);
  const consumers = await mapLimited(groups, GROUPS_AT_A_TIME, async ({ group, brokers }) => ({
    group,
    clients: (await groupConnections(admin, group, brokers.map(({ broker }) => broker))).clients,
  }));
  const byId = new Map<string, MutableClient>();
  const add = (client: Client, group: string, of: "producerGroups" | "consumerGroups") => {
    const known = byId.get(client.clientId);
    if (known !== undefined) {
      known[of].push(group);
      return;
    }
    const row = { ...client, producerGroups: [], consumerGroups: [] };
    byId.set(client.clientId, { ...row, [of]: [group] });
  };
  for (const [group, clients] of producers) {
    for (const client of clients) add(client, group, "producerGroups");
  }
  for (const { group, clients } of consumers) {
    for (const client of clients) add(client, group, "consumerGroups");
  }
  const clients = [...byId.values()].sort((a, b) => compareText(a.clientId, b.clientId));
  return { clients, failures };
}

type MutableClient = Client & { producerGroups: string[]; consumerGroups: string[] };

/** Asks consumers what they do, by client id; those that do not say it, and producers, are left out. */
export async function clientRates(
  admin: AdminClient,
  clients: readonly ClusterClient[],
  brokers: readonly BrokerAddress[],
): Promise<Map<string, ClientRates>> {
  const rows = await mapLimited(clients, CLIENTS_AT_A_TIME, async (client) => {
    const broker = brokers.find(({ brokerName }) => client.brokerNames.includes(brokerName));
    if (broker === undefined || client.consumerGroups.length === 0) return undefined;
    const options = { timeoutMillis: RATES_TIMEOUT_MILLIS };
    try {
      const infos = await Promise.all(
        client.consumerGroups.map((group) =>
          runningInfo(admin, broker.brokerAddr, group, client.clientId, options)
        ),
      );
      const rates = ratesOf(infos);
      return rates === undefined ? undefined : [client.clientId, rates] as const;
    } catch {
      // Many clients in other languages do not know the question.
      return undefined;
    }
  });
  return new Map(rows.filter((row) => row !== undefined));
}

/** Undefined when none of them says anything. */
function ratesOf(infos: readonly RunningInfo[]): ClientRates | undefined {
  const statuses = infos.flatMap(({ status }) => Object.values(status));
  if (statuses.length === 0) return undefined;
  const sum = (field: string) =>
    statuses.reduce((total, status) => total + numberOf(status[field]), 0);
  return {
    pullTps: sum("pullTPS"),
    consumeOkTps: sum("consumeOKTPS"),
    consumeFailedTps: sum("consumeFailedTPS"),
  };
}
