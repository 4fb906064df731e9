/** Which brokers a command is for: -b says one, -c those of a cluster. */

import { type BrokerAddress, UnreachableError } from "../../client/admin/admin_client.ts";
import type { BrokerChoice } from "../../client/admin/topics.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { UsageError } from "../flags.ts";
import type { AdminContext } from "./admin_command.ts";
import { text } from "./admin_flags.ts";

/** The flags that say which brokers. */
export const BROKER_FLAGS = {
  brokerAddr: text("b", "ADDR", "only the broker with this address"),
  clusterName: text("c", "CLUSTER", "the brokers of this cluster"),
};

interface BrokerValues {
  readonly brokerAddr: string | undefined;
  readonly clusterName: string | undefined;
}

/** The brokers to ask: the one of -b, the masters of -c, or all masters. @throws {RemotingError} BROKER_NOT_EXIST. */
export async function brokersToAsk(
  { admin }: AdminContext,
  { brokerAddr, clusterName }: BrokerValues,
): Promise<BrokerAddress[]> {
  if (brokerAddr !== undefined) return [await brokerAt(admin, brokerAddr)];
  const masters = await admin.masters(clusterName);
  if (masters.length > 0) return masters;
  const where = clusterName === undefined ? "" : ` in the cluster ${clusterName}`;
  throw refuse(ResponseCode.BROKER_NOT_EXIST, `No broker is registered${where}`);
}

/** The brokers to change: where there are several clusters, one has to be said. */
export async function brokersToChange(
  context: AdminContext,
  values: BrokerValues,
): Promise<BrokerAddress[]> {
  const brokers = await brokersToAsk(context, values);
  const clusters = [...new Set(brokers.map(({ clusterName }) => clusterName))];
  if (clusters.length > 1) {
    throw new UsageError(`which cluster? -c ${clusters.join(", -c ")}, or a broker with -b ADDR`);
  }
  return brokers;
}

/** The same, for functions that choose by name. */
export async function changeChoice(
  context: AdminContext,
  values: BrokerValues,
): Promise<BrokerChoice> {
  const brokers = await brokersToChange(context, values);
  return { brokerNames: brokers.map(({ brokerName }) => brokerName) };
}

/** The broker with this address; one that is not registered is asked all the same, also without a name server. */
async function brokerAt(admin: AdminContext["admin"], brokerAddr: string): Promise<BrokerAddress> {
  const known = await admin.brokers().catch((error) => {
    if (error instanceof UnreachableError) return [];
    throw error;
  });
  return known.find((broker) => broker.brokerAddr === brokerAddr) ??
    { clusterName: "", brokerName: brokerAddr, brokerId: 0, brokerAddr };
}
