/** Brokers as a whole: their settings and figures. */

import { decodeUtf8, encodeUtf8 } from "../protocol/bytes.ts";
import {
  GET_BROKER_CONFIG,
  GET_BROKER_RUNTIME_INFO,
  UPDATE_BROKER_CONFIG,
} from "../protocol/commands/admin_broker.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";

/** The figures that a broker tells of itself (GET_BROKER_RUNTIME_INFO), as texts by name. */
export async function brokerRuntimeInfo(
  admin: AdminClient,
  brokerAddr: string,
): Promise<Record<string, string>> {
  const { body } = await admin.invoke(brokerAddr, GET_BROKER_RUNTIME_INFO, {});
  return (parseJson(body) as { table?: Record<string, string> }).table ?? {};
}

/** A broker's settings by name. */
export async function brokerConfig(
  admin: AdminClient,
  brokerAddr: string,
): Promise<Record<string, string>> {
  const { body } = await admin.invoke(brokerAddr, GET_BROKER_CONFIG, {});
  return parseSettings(decodeUtf8(body, 0, body.length));
}

/** Reads settings that are lines of `name=value`. */
export function parseSettings(text: string): Record<string, string> {
  const lines = text.split("\n").filter((line) => line.includes("=") && !line.startsWith("#"));
  return Object.fromEntries(lines.map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  }));
}

/** Changes settings. @throws {RemotingError} with the broker's reason when it refuses one; then none has changed. */
export async function updateBrokerConfig(
  admin: AdminClient,
  brokerAddr: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const text = Object.entries(settings).map(([key, value]) => `${key}=${value}`).join("\n");
  await admin.invoke(brokerAddr, UPDATE_BROKER_CONFIG, {}, { body: encodeUtf8(text) });
}
