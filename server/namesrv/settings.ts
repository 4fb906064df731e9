/** The name server's settings, with Apache's names and defaults (NamesrvConfig.java). */

export interface NamesrvSettings {
  /** How often silent brokers are looked for. */
  scanNotActiveBrokerInterval: number;
  /** A connection without traffic for so long is closed. */
  serverChannelMaxIdleTimeSeconds: number;
  /** Whether routes carry the order configuration of KV namespace ORDER_TOPIC_CONFIG. */
  orderMessageEnable: boolean;
  /** Whether registering brokers are told that namespace. */
  returnOrderTopicConfigToBroker: boolean;
  supportActingMaster: boolean;
  deleteTopicWithBrokerRegistration: boolean;
  /** Whether GET_ALL_TOPIC_LIST_FROM_NAMESERVER is served. */
  enableAllTopicList: boolean;
  /** Whether the topics of a cluster and the unit topics are listed. */
  enableTopicList: boolean;
  /** Whether routes are refused for the first `waitSecondsForService`, until brokers have registered. */
  needWaitForService: boolean;
  waitSecondsForService: number;
}

export const NAMESRV_DEFAULTS: Readonly<NamesrvSettings> = {
  scanNotActiveBrokerInterval: 5_000,
  serverChannelMaxIdleTimeSeconds: 120,
  orderMessageEnable: false,
  returnOrderTopicConfigToBroker: true,
  supportActingMaster: false,
  deleteTopicWithBrokerRegistration: false,
  enableAllTopicList: true,
  enableTopicList: true,
  needWaitForService: false,
  waitSecondsForService: 45,
};

/** The name server's settings out of a set that may hold others too, with defaults for those that are missing. */
export function pickNamesrvSettings(given: Partial<NamesrvSettings> = {}): NamesrvSettings {
  const rows = Object.entries(NAMESRV_DEFAULTS).map(([name, absent]) => [
    name,
    given[name as keyof NamesrvSettings] ?? absent,
  ]);
  return Object.fromEntries(rows);
}
