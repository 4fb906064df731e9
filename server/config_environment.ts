/** Settings from environment variables, as containers are given them. */

import { SETTINGS } from "./config.ts";
import { nearestName } from "./nearest_name.ts";
import type { SettingEntry } from "./properties.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** How a setting is called in the environment: `brokerIP1` is `COMET_BROKER_IP1`. */
export function environmentName(key: string): string {
  return `COMET_${key.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}`;
}

/**
 * What Kubernetes puts into the environment of every container for a Service called "comet" or "comet-…". One such
 * variable even has the name of a setting: COMET_NAMESRV_PORT, which is then something like "tcp://10.0.0.1:9876".
 */
const SERVICE_LINK_NAME = /^COMET_(.*_)?(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_|$)/;
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;

/**
 * The settings that the environment gives, and warnings about variables that look as if they meant to give one.
 * `needsNamesrv` says whether Apache's NAMESRV_ADDR counts: a program with a name server of its own must not register
 * elsewhere only because the tools on its machine are told where to look.
 */
export function readEnvironment(
  environment: Environment,
  needsNamesrv: boolean,
): { entries: SettingEntry[]; warnings: string[] } {
  const keys = new Map(Object.keys(SETTINGS).map((key) => [environmentName(key), key]));
  const entries: SettingEntry[] = [];
  const warnings: string[] = [];
  const namesrvAddr = environment["NAMESRV_ADDR"] ?? "";
  if (needsNamesrv && namesrvAddr !== "") {
    entries.push({ key: "namesrvAddr", value: namesrvAddr, where: "NAMESRV_ADDR" });
  }
  for (const [where, value = ""] of Object.entries(environment)) {
    if (!where.startsWith("COMET_") || value === "") continue;
    if (SERVICE_LINK_NAME.test(where) || SERVICE_LINK_VALUE.test(value)) continue;
    const key = keys.get(where);
    if (key === undefined) warnings.push(unknownVariable(where, keys.keys()));
    else entries.push({ key, value: value.trim(), where });
  }
  return { entries, warnings };
}

/** Not an error: other programs' variables may begin like ours. */
function unknownVariable(name: string, known: Iterable<string>): string {
  const suggestion = nearestName(name, known);
  const hint = suggestion === undefined ? "" : `; did you mean ${suggestion}?`;
  return `the environment variable ${name} is not a setting of Comet${hint}`;
}
