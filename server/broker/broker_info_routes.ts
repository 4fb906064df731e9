/** Admins look at the broker's figures and settings, and change settings while it runs. */

import * as commands from "../../client/protocol/commands/admin_broker.ts";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { firstDataVersion, nextVersion } from "../../client/protocol/data_version.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { formatProperties, updateSettings } from "../config.ts";
import { type Route, route } from "../dispatcher.ts";
import type { Log } from "../log.ts";
import { ConfigError, parseProperties } from "../properties.ts";
import { jsonBody } from "./json_body.ts";
import { runtimeInfo, type RuntimeInfoDeps } from "./runtime_info.ts";

export interface BrokerInfoDeps extends RuntimeInfoDeps {
  /** Settings have changed. */
  onSettings: () => void;
  log: Log;
}

/** GET_BROKER_RUNTIME_INFO, VIEW_BROKER_STATS_DATA, GET_BROKER_CONFIG and UPDATE_BROKER_CONFIG. */
export function brokerInfoRoutes(deps: BrokerInfoDeps): Route[] {
  const { config, stats, now } = deps;
  let version = firstDataVersion(now());
  return [
    route(
      commands.GET_BROKER_RUNTIME_INFO,
      () => ({ body: jsonBody({ table: runtimeInfo(deps) }) }),
    ),
    route(commands.VIEW_BROKER_STATS_DATA, ({ header: { statsName, statsKey } }) => {
      const found = stats.find(statsName, statsKey);
      if (found === undefined) {
        throw refuse(
          ResponseCode.SYSTEM_ERROR,
          `The stats <${statsName}> <${statsKey}> not exist`,
        );
      }
      const { minute, hour, day } = found;
      return { body: jsonBody({ statsDay: day, statsHour: hour, statsMinute: minute }) };
    }),
    route(commands.GET_BROKER_CONFIG, () => ({
      header: { version: JSON.stringify(version) },
      body: encodeUtf8(formatProperties(config)),
    })),
    route(commands.UPDATE_BROKER_CONFIG, ({ body, connection }) => {
      const warnings = changeSettings(deps, decodeUtf8(body, 0, body.length));
      version = nextVersion(version, now());
      deps.log.info("settings were changed by an admin", {
        remote: `${connection.remote.hostname}:${connection.remote.port}`,
        text: decodeUtf8(body, 0, body.length),
      });
      deps.onSettings();
      return warnings.length > 0 ? { remark: warnings.join("\n") } : {};
    }),
  ];
}

/** All or nothing: when one setting may not change, none does. */
function changeSettings({ config }: BrokerInfoDeps, text: string): string[] {
  try {
    return updateSettings(config, parseProperties(text, "request"));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw refuse(ResponseCode.INVALID_PARAMETER, error.message);
  }
}
