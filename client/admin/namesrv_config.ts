/** The settings of name servers. */

import { decodeUtf8, encodeUtf8 } from "../protocol/bytes.ts";
import { GET_NAMESRV_CONFIG, UPDATE_NAMESRV_CONFIG } from "../protocol/commands/namesrv.ts";
import type { AdminClient } from "./admin_client.ts";
import { parseSettings } from "./cluster.ts";

/** The settings of one name server by name. @throws {RemotingError} */
export async function namesrvConfig(
  admin: AdminClient,
  address: string,
): Promise<Record<string, string>> {
  const { body } = await admin.invoke(address, GET_NAMESRV_CONFIG, {});
  return parseSettings(decodeUtf8(body, 0, body.length));
}

/** Changes a setting of one name server. @throws {RemotingError} with its reason when it refuses, as Comet's does. */
export async function updateNamesrvConfig(
  admin: AdminClient,
  address: string,
  key: string,
  value: string,
): Promise<void> {
  await admin.invoke(address, UPDATE_NAMESRV_CONFIG, {}, { body: encodeUtf8(`${key}=${value}`) });
}
