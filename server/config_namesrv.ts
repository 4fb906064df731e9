/** The rows of the configuration for name servers. */

import { bool, int, millis, path } from "./setting.ts";

export const NAMESRV = {
  scanNotActiveBrokerInterval: millis(5_000, "How often silent brokers are looked for"),
  kvConfigPath: path(
    "",
    "The file of the key-value configuration; empty means namesrv/kvConfig.json in the data folder",
    {
      apacheDefault: "~/namesrv/kvConfig.json",
    },
  ),
  orderMessageEnable: bool(
    false,
    "Whether routes carry the order configuration of their topic",
  ),
  returnOrderTopicConfigToBroker: bool(
    true,
    "Whether a broker that registers is told the order configuration",
  ),
  enableAllTopicList: bool(true, "Whether clients may list all topics"),
  enableTopicList: bool(true, "Whether clients may list the topics of a cluster"),
  deleteTopicWithBrokerRegistration: bool(
    false,
    "Whether a registration removes the topics that it leaves out",
  ),
  supportActingMaster: bool(
    false,
    "Whether routes name the replica with the lowest id as master where the master is gone",
  ),
  needWaitForService: bool(
    false,
    "Whether routes are refused after the start until brokers have had time to register",
  ),
  waitSecondsForService: int(45, "How many seconds that is"),
};
