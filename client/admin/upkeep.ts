/** Having brokers tidy up, and their replication. */

import {
  CLEAN_EXPIRED_CONSUMEQUEUE,
  CLEAN_UNUSED_TOPIC,
  DELETE_EXPIRED_COMMITLOG,
  GET_BROKER_HA_STATUS,
} from "../protocol/commands/admin_broker.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";

/** What a broker can tidy up: queues without messages, queues of topics that are gone, log files that have expired. */
export const UPKEEP = {
  cleanExpiredCQ: CLEAN_EXPIRED_CONSUMEQUEUE,
  cleanUnusedTopic: CLEAN_UNUSED_TOPIC,
  deleteExpiredCommitLog: DELETE_EXPIRED_COMMITLOG,
} as const;

const TIMEOUT_MILLIS = 60_000;

/** Has one broker tidy up. @throws {RemotingError} */
export async function tidyUp(
  admin: AdminClient,
  brokerAddr: string,
  what: keyof typeof UPKEEP,
): Promise<void> {
  await admin.invoke(brokerAddr, UPKEEP[what], {}, { timeoutMillis: TIMEOUT_MILLIS });
}

/** HARuntimeInfo: how replication goes. */
export interface HaRuntimeInfo {
  readonly master: boolean;
  /** Bytes in the master's log. */
  readonly masterCommitLogMaxOffset: number;
  readonly inSyncSlaveNums: number;
  /** The slaves of a master. */
  readonly haConnectionInfo: readonly {
    readonly addr: string;
    readonly slaveAckOffset: number;
    readonly diff: number;
    readonly inSync: boolean;
    readonly transferredByteInSecond: number;
    readonly transferFromWhere: number;
  }[];
  /** What a slave says of its master. */
  readonly haClientRuntimeInfo?: Readonly<Record<string, unknown>>;
}

/** Asks one broker. @throws {RemotingError} */
export async function haStatus(admin: AdminClient, brokerAddr: string): Promise<HaRuntimeInfo> {
  const { body } = await admin.invoke(brokerAddr, GET_BROKER_HA_STATUS, {});
  const json = (parseJson(body) ?? {}) as Partial<HaRuntimeInfo>;
  return { ...json, haConnectionInfo: json.haConnectionInfo ?? [] } as HaRuntimeInfo;
}
