/** The name server's handlers. */

import type { Connection } from "../../client/remoting/connection.ts";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import * as commands from "../../client/protocol/commands/namesrv.ts";
import { equalVersions, parseDataVersion } from "../../client/protocol/data_version.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import { recordCrc } from "../../client/protocol/message_record.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { parseQueueData } from "../../client/protocol/route_data.ts";
import { PermName, TopicSysFlag } from "../../client/protocol/topic_config.ts";
import { type Route, route } from "../dispatcher.ts";
import type { Log } from "../log.ts";
import { type KvConfig, ORDER_TOPIC_CONFIG } from "./kv_config.ts";
import { decodeRegisterBrokerBody } from "./register_broker_body.ts";
import type { BrokerIdentity, RouteTable } from "./route_table.ts";
import type { RouteView } from "./route_view.ts";
import type { NamesrvSettings } from "./settings.ts";

export interface NamesrvDeps {
  routeTable: RouteTable;
  routeView: RouteView;
  kvConfig: KvConfig;
  settings: Readonly<NamesrvSettings>;
  /** All settings as properties text. */
  printSettings: () => string;
  /** Whether routes are served yet. */
  isReady: () => boolean;
  log: Log;
}

/** Java's clients show this remark to their users. */
const FAQ = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

/** Every command that a name server serves. */
export function namesrvRoutes(deps: NamesrvDeps): Route[] {
  return [
    ...brokerRoutes(deps),
    ...clientRoutes(deps),
    ...topicListRoutes(deps),
    ...adminRoutes(deps),
    ...kvRoutes(deps),
  ];
}

function brokerRoutes({ routeTable, routeView, kvConfig, settings, log }: NamesrvDeps): Route[] {
  return [
    route(commands.REGISTER_BROKER, ({ header, body, connection }) => {
      if (header.bodyCrc32 !== 0 && header.bodyCrc32 !== recordCrc(body)) {
        log.warn("refused a registration with a wrong checksum", { brokerAddr: header.brokerAddr });
        throw refuse(ResponseCode.SYSTEM_ERROR, "crc32 not match");
      }
      const result = routeTable.registerBroker({
        ...identityOf(header),
        haServerAddr: header.haServerAddr,
        zoneName: header.__ZONE_NAME,
        heartbeatTimeoutMillis: header.heartbeatTimeoutMillis,
        enableActingMaster: header.enableActingMaster,
        ...decodeRegisterBrokerBody(body),
      }, connection);
      if (result.status === "NOT_REGISTERED_YET") {
        throw refuse(ResponseCode.SYSTEM_ERROR, "register broker failed");
      }
      const reply = settings.returnOrderTopicConfigToBroker
        ? kvTable(kvConfig, ORDER_TOPIC_CONFIG)
        : {};
      if (result.status === "CONFLICT") {
        log.warn("ignored a broker whose place another holds", { ...identityOf(header) });
        return reply;
      }
      if (result.isNew) log.info("broker registered", { ...identityOf(header) });
      return { header: routeView.masterOf(result, connection), ...reply };
    }),
    route(commands.UNREGISTER_BROKER, ({ header }) => {
      routeTable.unregisterBroker(identityOf(header));
      log.info("broker unregistered", { ...identityOf(header) });
      return {};
    }),
    route(commands.BROKER_HEARTBEAT, ({ header }) => {
      routeTable.heartbeat(header.clusterName, header.brokerAddr);
      return {};
    }),
    route(commands.QUERY_DATA_VERSION, ({ header, body }) => {
      const { clusterName, brokerAddr } = header;
      const registered = routeTable.dataVersionOf(clusterName, brokerAddr);
      routeTable.heartbeat(clusterName, brokerAddr);
      if (registered === undefined) return { header: { changed: true } };
      const changed = !equalVersions(registered, parseDataVersion(parseBody(body)));
      return { header: { changed }, body: jsonBody(registered) };
    }),
    route(commands.GET_BROKER_MEMBER_GROUP, ({ header, connection }) => {
      const { clusterName, brokerName } = header;
      return json({
        brokerMemberGroup: routeView.brokerMemberGroup(clusterName, brokerName, connection),
      });
    }),
  ];
}

function clientRoutes({ routeView, kvConfig, settings, isReady }: NamesrvDeps): Route[] {
  return [
    // `acceptStandardJsonOnly` needs no look: the answer is standard JSON for everybody, which every client reads.
    route(commands.GET_ROUTEINFO_BY_TOPIC, ({ header: { topic }, connection }) => {
      if (!isReady()) throw refuse(ResponseCode.SYSTEM_ERROR, "name server not ready");
      const routeData = routeView.topicRouteData(topic, connection);
      if (routeData === undefined) {
        const remark = `No topic route info in name server for the topic: ${topic}${FAQ}`;
        throw refuse(ResponseCode.TOPIC_NOT_EXIST, remark);
      }
      const orderTopicConf = settings.orderMessageEnable
        ? kvConfig.get(ORDER_TOPIC_CONFIG, topic)
        : undefined;
      return json({ ...routeData, orderTopicConf });
    }),
    route(commands.GET_BROKER_CLUSTER_INFO, ({ connection }) => {
      return json(routeView.clusterInfo(connection));
    }),
  ];
}

function topicListRoutes({ routeTable, routeView, settings }: NamesrvDeps): Route[] {
  const { topics } = routeTable;
  const topicList = (list: () => string[]) => {
    if (!settings.enableTopicList) throw refuse(ResponseCode.SYSTEM_ERROR, "disable");
    return json({ topicList: list() });
  };
  const has = (sysFlag: number, bit: number) => (sysFlag & bit) !== 0;
  return [
    route(commands.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, () => {
      if (!settings.enableAllTopicList) throw refuse(ResponseCode.SYSTEM_ERROR, "disable");
      return json({ topicList: topics.topics() });
    }),
    route(commands.GET_TOPICS_BY_CLUSTER, ({ header }) => {
      return topicList(() => routeTable.topicsOfCluster(header.cluster));
    }),
    route(commands.GET_SYSTEM_TOPIC_LIST_FROM_NS, ({ connection }) => {
      return json(routeView.systemTopicList(connection));
    }),
    route(commands.GET_UNIT_TOPIC_LIST, () => {
      return topicList(() => topics.topicsBySysFlag((flag) => has(flag, TopicSysFlag.UNIT)));
    }),
    route(commands.GET_HAS_UNIT_SUB_TOPIC_LIST, () => {
      return topicList(() => topics.topicsBySysFlag((flag) => has(flag, TopicSysFlag.UNIT_SUB)));
    }),
    route(commands.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, () => {
      return topicList(() =>
        topics.topicsBySysFlag((flag) =>
          has(flag, TopicSysFlag.UNIT_SUB) && !has(flag, TopicSysFlag.UNIT)
        )
      );
    }),
  ];
}

function adminRoutes({ routeTable, printSettings, log }: NamesrvDeps): Route[] {
  const { topics } = routeTable;
  return [
    route(commands.WIPE_WRITE_PERM_OF_BROKER, ({ header: { brokerName }, connection }) => {
      const wipeTopicCount = topics.changePerm(brokerName, (perm) => perm & ~PermName.WRITE);
      log.info("wiped the write perm of a broker", {
        brokerName,
        wipeTopicCount,
        by: from(connection),
      });
      return { header: { wipeTopicCount } };
    }),
    route(commands.ADD_WRITE_PERM_OF_BROKER, ({ header: { brokerName }, connection }) => {
      const addTopicCount = topics.changePerm(brokerName, () => PermName.READ | PermName.WRITE);
      log.info("added the write perm of a broker", {
        brokerName,
        addTopicCount,
        by: from(connection),
      });
      return { header: { addTopicCount } };
    }),
    route(commands.REGISTER_TOPIC_IN_NAMESRV, ({ header: { topic }, body }) => {
      const { queueDatas } = parseBody(body) as { queueDatas?: unknown[] | null };
      if (!routeTable.registerTopic(topic, (queueDatas ?? []).map(parseQueueData))) {
        log.warn("ignored a topic on a broker that is not registered", { topic });
      }
      return {};
    }),
    route(commands.DELETE_TOPIC_IN_NAMESRV, ({ header: { topic, clusterName }, connection }) => {
      if (clusterName) routeTable.deleteTopicOfCluster(topic, clusterName);
      else topics.delete(topic);
      log.info("deleted a topic's route", { topic, clusterName, by: from(connection) });
      return {};
    }),
    route(commands.GET_NAMESRV_CONFIG, () => ({ body: encodeUtf8(printSettings()) })),
    route(commands.UPDATE_NAMESRV_CONFIG, ({ connection }) => {
      log.warn("refused to change the settings from outside", { by: from(connection) });
      throw refuse(
        ResponseCode.NO_PERMISSION,
        "The name server's settings cannot be changed remotely; change them at its start",
      );
    }),
  ];
}

function kvRoutes({ kvConfig, log }: NamesrvDeps): Route[] {
  return [
    route(commands.PUT_KV_CONFIG, async ({ header: { namespace, key, value } }) => {
      await kvConfig.put(namespace, key, value);
      log.info("put a KV config item", { namespace, key, value });
      return {};
    }),
    route(commands.GET_KV_CONFIG, ({ header: { namespace, key } }) => {
      const value = kvConfig.get(namespace, key);
      if (value !== undefined) return { header: { value } };
      const remark = `No config item, Namespace: ${namespace} Key: ${key}`;
      throw refuse(ResponseCode.QUERY_NOT_FOUND, remark);
    }),
    route(commands.DELETE_KV_CONFIG, async ({ header: { namespace, key } }) => {
      await kvConfig.delete(namespace, key);
      log.info("deleted a KV config item", { namespace, key });
      return {};
    }),
    route(commands.GET_KVLIST_BY_NAMESPACE, ({ header: { namespace } }) => {
      const reply = kvTable(kvConfig, namespace);
      if (reply.body !== undefined) return reply;
      throw refuse(ResponseCode.QUERY_NOT_FOUND, `No config item, Namespace: ${namespace}`);
    }),
  ];
}

/** A namespace as a KVTable, or no body. */
function kvTable(kvConfig: KvConfig, namespace: string): { body?: Uint8Array } {
  const values = kvConfig.list(namespace);
  return values === undefined ? {} : json({ table: Object.fromEntries(values) });
}

function identityOf(header: BrokerIdentity): BrokerIdentity {
  const { clusterName, brokerName, brokerId, brokerAddr } = header;
  return { clusterName, brokerName, brokerId, brokerAddr };
}

function parseBody(body: Uint8Array): unknown {
  return body.length === 0 ? {} : parseFastjson(decodeUtf8(body, 0, body.length));
}

function json(value: unknown): { body: Uint8Array } {
  return { body: jsonBody(value) };
}

function jsonBody(value: unknown): Uint8Array {
  return encodeUtf8(JSON.stringify(value));
}

function from({ remote }: Connection): string {
  return `${remote.hostname}:${remote.port}`;
}
