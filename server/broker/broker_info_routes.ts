/** Admins look at the broker's figures and settings, and change settings while it runs. */

import * as commands from "../../client/protocol/commands/admin_broker.ts";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { firstDataVersion, nextVersion } from "../../client/protocol/data_version.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { type Config, formatProperties, updateSettings } from "../config.ts";
import { type Route, route } from "../dispatcher.ts";
import { describeError, type Log } from "../log.ts";
import { ConfigError, parseProperties } from "../properties.ts";
import type { ChangedSettings } from "./changed_settings.ts";
import { jsonBody } from "./json_body.ts";
import { runtimeInfo, type RuntimeInfoDeps } from "./runtime_info.ts";

export interface BrokerInfoDeps extends RuntimeInfoDeps {
  changedSettings: Pick<ChangedSettings, "keep">;
  /** Settings have changed. */
  onSettings: () => void;
  log: Log;
}

/**
 * GET_BROKER_RUNTIME_INFO, VIEW_BROKER_STATS_DATA, GET_BROKER_CONFIG, UPDATE_BROKER_CONFIG and GET_BROKER_HA_STATUS.
 */
export function brokerInfoRoutes(deps: BrokerInfoDeps): Route[] {
  const { config, store, stats, now } = deps;
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
    route(commands.UPDATE_BROKER_CONFIG, async ({ body, connection }) => {
      const before = { ...config };
      const warnings = changeSettings(deps, decodeUtf8(body, 0, body.length));
      version = nextVersion(version, now());
      deps.log.info("settings were changed by an admin", {
        remote: `${connection.remote.hostname}:${connection.remote.port}`,
        text: decodeUtf8(body, 0, body.length),
      });
      deps.onSettings();
      await keepSettings(deps, before);
      return warnings.length > 0 ? { remark: warnings.join("\n") } : {};
    }),
    route(
      commands.GET_BROKER_HA_STATUS,
      () => ({ body: jsonBody(haRuntimeInfo(store.stats.maxOffset)) }),
    ),
  ];
}

/** A master without slaves. */
function haRuntimeInfo(maxOffset: number) {
  return {
    haClientRuntimeInfo: {
      activated: false,
      lastReadTimestamp: 0,
      lastWriteTimestamp: 0,
      masterFlushOffset: 0,
      maxOffset: 0,
      transferredByteInSecond: 0,
    },
    haConnectionInfo: [],
    inSyncSlaveNums: 0,
    master: true,
    masterCommitLogMaxOffset: maxOffset,
  };
}

async function keepSettings({ changedSettings }: BrokerInfoDeps, before: Config): Promise<void> {
  try {
    await changedSettings.keep(before);
  } catch (error) {
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      `The settings count from now on, but a restart forgets them: ${describeError(error)}`,
    );
  }
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
