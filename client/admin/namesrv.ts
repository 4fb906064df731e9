/** What is kept by the name servers: key-value pairs, the order of topics, whether a broker takes messages. */

import * as commands from "../protocol/commands/namesrv.ts";
import { RemotingError, ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";

/** Where the queues of ordered topics are fixed: `brokerName:queueNums;…` by topic. */
export const ORDER_TOPIC_CONFIG = "ORDER_TOPIC_CONFIG";

/** All values of a namespace; none when there is no such namespace. */
export async function kvList(
  admin: AdminClient,
  namespace: string,
): Promise<Record<string, string>> {
  const accept = [ResponseCode.QUERY_NOT_FOUND];
  const { code, body } = await admin.invokeNamesrv(
    commands.GET_KVLIST_BY_NAMESPACE,
    { namespace },
    { accept },
  );
  if (code !== ResponseCode.SUCCESS) return {};
  return ((parseJson(body) ?? {}) as { table?: Record<string, string> }).table ?? {};
}

/** One value; undefined when there is none. */
export async function kvGet(
  admin: AdminClient,
  namespace: string,
  key: string,
): Promise<string | undefined> {
  const accept = [ResponseCode.QUERY_NOT_FOUND];
  const { code, header } = await admin.invokeNamesrv(
    commands.GET_KV_CONFIG,
    { namespace, key },
    { accept },
  );
  return code === ResponseCode.SUCCESS ? header.value : undefined;
}

/** Sets a value at every name server, since they do not tell each other. */
export async function kvPut(
  admin: AdminClient,
  namespace: string,
  key: string,
  value: string,
): Promise<void> {
  await atAllNameServers(
    admin,
    (address) => admin.invoke(address, commands.PUT_KV_CONFIG, { namespace, key, value }),
  );
}

/** Takes a value away at every name server. */
export async function kvDelete(admin: AdminClient, namespace: string, key: string): Promise<void> {
  await atAllNameServers(
    admin,
    (address) => admin.invoke(address, commands.DELETE_KV_CONFIG, { namespace, key }),
  );
}

/** Takes a topic out of the routes, and its order with it. */
export async function deleteTopicAtNameServers(
  admin: AdminClient,
  topic: string,
  clusterName?: string,
): Promise<void> {
  await atAllNameServers(admin, (address) =>
    // A topic that was never registered is gone as well.
    ignoring(
      [ResponseCode.SYSTEM_ERROR, ResponseCode.TOPIC_NOT_EXIST],
      admin.invoke(address, commands.DELETE_TOPIC_IN_NAMESRV, { topic, clusterName }),
    ));
  await kvDelete(admin, ORDER_TOPIC_CONFIG, topic);
}

/** Takes a broker's topics the right to be written to, or gives it back. Answers how many topics that were. */
export async function setWritePerm(
  admin: AdminClient,
  brokerName: string,
  isWriteable: boolean,
): Promise<number> {
  const counts = await atAllNameServers(admin, async (address) => {
    if (isWriteable) {
      const { header } = await admin.invoke(address, commands.ADD_WRITE_PERM_OF_BROKER, {
        brokerName,
      });
      return header.addTopicCount;
    }
    const { header } = await admin.invoke(address, commands.WIPE_WRITE_PERM_OF_BROKER, {
      brokerName,
    });
    return header.wipeTopicCount;
  });
  return Math.max(0, ...counts);
}

/** Asks every name server. @throws what the first one failed with: a change at some only would come and go. */
async function atAllNameServers<T>(
  admin: AdminClient,
  ask: (address: string) => Promise<T>,
): Promise<T[]> {
  return await Promise.all(admin.nameServers.map(ask));
}

async function ignoring(codes: readonly number[], work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof RemotingError) || !codes.includes(error.code)) throw error;
  }
}
