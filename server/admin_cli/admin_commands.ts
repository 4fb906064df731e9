/**
 * All commands of `comet admin`, by the names that Apache's mqadmin gives them, and what becomes of those of mqadmin that
 * are not here.
 * Source of the names: MQAdminStartup.java of Apache RocketMQ 5.3.3.
 */

import type { AdminCommand } from "./admin_command.ts";
import { BROKER_COMMANDS } from "./broker_commands.ts";
import { EXPORT_COMMANDS } from "./export_commands.ts";
import { GROUP_COMMANDS } from "./group_commands.ts";
import { MESSAGE_COMMANDS } from "./message_commands.ts";
import { MONITOR_COMMANDS } from "./monitor_commands.ts";
import { NAMESRV_COMMANDS } from "./namesrv_commands.ts";
import { OFFSET_COMMANDS } from "./offset_commands.ts";
import { PRINT_COMMANDS } from "./print_commands.ts";
import { SEND_COMMANDS } from "./send_commands.ts";
import { TOPIC_COMMANDS } from "./topic_commands.ts";

export const ADMIN_COMMANDS: Readonly<Record<string, AdminCommand>> = {
  ...TOPIC_COMMANDS,
  ...GROUP_COMMANDS,
  ...OFFSET_COMMANDS,
  ...MONITOR_COMMANDS,
  ...MESSAGE_COMMANDS,
  ...PRINT_COMMANDS,
  ...SEND_COMMANDS,
  ...BROKER_COMMANDS,
  ...NAMESRV_COMMANDS,
  ...EXPORT_COMMANDS,
};

const controller = "there is no controller: brokers take each other's place without one";
const container = "there is no broker container: one program runs one broker";
const rocksdb = "nothing is kept in RocksDB";
const staticTopics = "there are no static topics";
const coldData = "reads of old messages do not slow others down, so they are not limited";

/** Commands of mqadmin that have no meaning here, and why. */
export const REFUSED_COMMANDS: Readonly<Record<string, string>> = {
  addBroker: container,
  removeBroker: container,
  updateStaticTopic: staticTopics,
  remappingStaticTopic: staticTopics,
  exportMetadataInRocksDB: rocksdb,
  exportPopRecord: rocksdb,
  rocksDBConfigToJson: rocksdb,
  checkRocksdbCqWriteProgress: rocksdb,
  getSyncStateSet: controller,
  getBrokerEpoch: controller,
  getControllerMetaData: controller,
  getControllerConfig: controller,
  updateControllerConfig: controller,
  electMaster: controller,
  cleanBrokerMetadata: controller,
  getColdDataFlowCtrInfo: coldData,
  updateColdDataFlowCtrGroupConfig: coldData,
  removeColdDataFlowCtrGroupConfig: coldData,
  setCommitLogReadAheadMode: coldData,
};

/** Commands that are here for Apache's servers, and what Comet's answer. */
export const REFUSED_BY_COMET: Readonly<Record<string, string>> = {
  updateNamesrvConfig: "settings of a name server change in its file, with a restart",
};

const authentication = "there is no authentication yet";

/** Commands of mqadmin that will have a meaning, and what is missing. */
export const LATER_COMMANDS: Readonly<Record<string, string>> = {
  resetMasterFlushOffset: "there is no replication yet",
  createUser: authentication,
  updateUser: authentication,
  deleteUser: authentication,
  getUser: authentication,
  listUser: authentication,
  copyUser: authentication,
  createAcl: authentication,
  updateAcl: authentication,
  deleteAcl: authentication,
  getAcl: authentication,
  listAcl: authentication,
  copyAcl: authentication,
};

/** What becomes of a command of mqadmin's when it is run against Comet. */
export type MqadminState =
  | { readonly state: "served"; readonly help: string }
  | { readonly state: "later" | "refused"; readonly reason: string };

/** The state of every command of mqadmin, by name. */
export function mqadminStates(): [name: string, row: MqadminState][] {
  const refused = { ...REFUSED_COMMANDS, ...REFUSED_BY_COMET };
  const rows: [string, MqadminState][] = [
    ...Object.entries(ADMIN_COMMANDS).filter(([name]) => !Object.hasOwn(REFUSED_BY_COMET, name))
      .map(([name, { help }]): [string, MqadminState] => [name, { state: "served", help }]),
    ...Object.entries(refused)
      .map(([name, reason]): [string, MqadminState] => [name, { state: "refused", reason }]),
    ...Object.entries(LATER_COMMANDS)
      .map(([name, reason]): [string, MqadminState] => [name, { state: "later", reason }]),
  ];
  return rows.sort(([left], [right]) => left < right ? -1 : 1);
}
