/** `comet admin`: topics. */

import { type FanOut, fanOut, mapLimited } from "../../client/admin/fan_out.ts";
import { putTopics } from "../../client/admin/config_lists.ts";
import { kvDelete, kvGet, kvPut, ORDER_TOPIC_CONFIG } from "../../client/admin/namesrv.ts";
import { readQueues } from "../../client/admin/queue_reading.ts";
import { groupsOfTopic, topicStats } from "../../client/admin/stats.ts";
import {
  createTopic,
  deleteTopic,
  findTopic,
  findTopicOrNone,
  listTopics,
  type Topic,
  type TopicSettings,
  updateTopic,
} from "../../client/admin/topics.ts";
import { allocateAveragely } from "../../client/rebalance.ts";
import { parseTopicConfig } from "../../client/protocol/topic_config.ts";
import { UsageError } from "../flags.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { bool, integer, oneOf, required, text, toggle } from "./admin_flags.ts";
import { changeOutput, partsOutput, tableOutput, textOutput, timeText } from "./admin_output.ts";
import { BROKER_FLAGS, brokersToChange } from "./broker_choice.ts";
import { readJsonList } from "./json_file.ts";

const area = "Topics";
const topic = required(text("t", "TOPIC", "the topic's name"));
/** Requests of one list that are under way at the same time. */
const REQUESTS_AT_A_TIME = 32;

export const TOPIC_COMMANDS = {
  topicList: adminCommand({
    area,
    help: "list the topics",
    flags: { clusterModel: toggle("c", "also the groups that consume each of them") },
    async run(context, { clusterModel }) {
      const { topics, failures } = await listTopics(context.admin);
      const rows = clusterModel ? await withGroups(context, topics) : topics;
      return tableOutput(rows, {
        Topic: (row) => row.topic,
        Type: (row) => row.type,
        Message: (row) => row.messageType,
        Read: (row) => row.readQueueNums,
        Write: (row) => row.writeQueueNums,
        Perm: (row) => permText(row.perm),
        Brokers: (row) => row.brokers.map(({ brokerName }) => brokerName).join(","),
        ...(clusterModel ? { Groups: (row) => (row as Consumed).groups.join(",") } : {}),
      }, { failures });
    },
  }),
  topicRoute: adminCommand({
    area,
    help: "show who serves a topic",
    flags: { topic, list: toggle("l", "taken, since the route is a table anyway") },
    async run({ admin }, { topic }) {
      const route = await admin.route(topic);
      const brokers = new Map(route.brokerDatas.map((broker) => [broker.brokerName, broker]));
      return tableOutput(route.queueDatas, {
        Broker: (row) => row.brokerName,
        Cluster: (row) => brokers.get(row.brokerName)?.cluster,
        Read: (row) => row.readQueueNums,
        Write: (row) => row.writeQueueNums,
        Perm: (row) => permText(row.perm),
        Addresses: (row) =>
          Object.entries(brokers.get(row.brokerName)?.brokerAddrs ?? {})
            .map(([id, address]) => `${id}:${address}`).join(","),
      }, { data: route });
    },
  }),
  topicStatus: adminCommand({
    area,
    help: "show the offsets of a topic's queues",
    flags: { topic },
    async run({ admin }, { topic }) {
      const { topic: found } = await findTopic(admin, topic);
      const stats = await topicStats(admin, found);
      return tableOutput(stats.queues, {
        Broker: (row) => row.brokerName,
        Queue: (row) => row.queueId,
        Min: (row) => row.minOffset,
        Max: (row) => row.maxOffset,
        "Last message": (row) => timeText(row.lastUpdateTimestamp),
      }, { data: stats, failures: stats.failures });
    },
  }),
  topicClusterList: adminCommand({
    area,
    help: "list the clusters that have a topic",
    flags: { topic },
    async run({ admin }, { topic }) {
      const { brokerDatas } = await admin.route(topic);
      const clusters = [...new Set(brokerDatas.map(({ cluster }) => cluster))];
      return tableOutput(clusters, { Cluster: (cluster) => cluster });
    },
  }),
  updateTopic: adminCommand({
    area,
    help: "create a topic, or change what is given of one",
    flags: {
      topic,
      ...BROKER_FLAGS,
      readQueueNums: integer("r", "COUNT", "queues to read from (8)"),
      writeQueueNums: integer("w", "COUNT", "queues to write to (8)"),
      perm: integer("p", "PERM", "2 write, 4 read, 6 both (6)"),
      order: bool("o", "whether it is an ordered topic"),
      attributes: text("a", "+A=B,-C", "attributes to set and to take away"),
    },
    async run(context, { topic, attributes, brokerAddr, clusterName, ...settings }) {
      const changes = { ...settings, attributes: readAttributes(attributes) };
      const result = await putTopic(context, { brokerAddr, clusterName }, topic, changes);
      return changeOutput(result, `topic ${topic} is set`, { topic });
    },
  }),
  updateTopicList: adminCommand({
    area,
    help: "create or set the topics of a JSON file, a list of TopicConfigs",
    flags: { ...BROKER_FLAGS, filename: required(text("f", "FILE", "the file")) },
    async run(context, values) {
      const topics = (await readJsonList(context, values.filename)).map(parseTopicConfig);
      const result = await fanOut(
        await brokersToChange(context, values),
        ({ brokerAddr }) => putTopics(context.admin, brokerAddr, topics),
      );
      return changeOutput(result, `${topics.length} topics are set`);
    },
  }),
  updateTopicPerm: adminCommand({
    area,
    help: "change who may use a topic",
    flags: {
      topic,
      ...BROKER_FLAGS,
      perm: required(integer("p", "PERM", "2 write, 4 read, 6 both")),
    },
    async run(context, { topic, perm, ...where }) {
      const { topic: found } = await findTopic(context.admin, topic);
      const brokerNames = (await brokersToChange(context, where)).map((row) => row.brokerName);
      const result = await updateTopic(context.admin, found, { perm }, { brokerNames });
      return changeOutput(result, `perm of ${topic} is ${permText(perm)}`, { topic, perm });
    },
  }),
  deleteTopic: adminCommand({
    area,
    help: "delete a topic with its messages at the brokers and the name servers",
    hasDryRun: true,
    flags: { topic, clusterName: text("c", "CLUSTER", "at the brokers of this cluster") },
    async run(context, { topic, clusterName }) {
      if (context.isDryRun) return await whatIsDeleted(context, topic);
      const choice = clusterName === undefined ? {} : { clusterName };
      await brokersToChange(context, { brokerAddr: undefined, clusterName });
      const result = await deleteTopic(context.admin, topic, choice);
      return changeOutput(result, `topic ${topic} is deleted`, { topic });
    },
  }),
  updateOrderConf: adminCommand({
    area,
    help: "show, set or take away the fixed queues of an ordered topic",
    hasDryRun: true,
    flags: {
      topic,
      method: required(oneOf("m", ["get", "put", "delete"], "what to do")),
      orderConf: text("v", "BROKER:QUEUES;…", "the queues by broker, for put"),
    },
    run: updateOrderConf,
  }),
  allocateMQ: adminCommand({
    area,
    help: "show which queues of a topic each of some consumers would get",
    flags: { topic, ipList: required(text("i", "A,B,…", "the consumers")) },
    async run({ admin }, { topic, ipList }) {
      const queues = await readQueues(admin, topic);
      const consumers = ipList.split(",");
      const rows = consumers.map((consumer) => ({
        consumer,
        queues: allocateAveragely(consumer, consumers, queues)
          .map(({ brokerName, queueId }) => ({ brokerName, queueId })),
      }));
      return tableOutput(rows, {
        Consumer: (row) => row.consumer,
        Queues: (row) => row.queues.map((q) => `${q.brokerName}:${q.queueId}`).join(" "),
      });
    },
  }),
};

interface Consumed extends Topic {
  readonly groups: readonly string[];
}

async function withGroups(
  { admin }: AdminContext,
  topics: readonly Topic[],
): Promise<readonly Consumed[]> {
  return await mapLimited(topics, REQUESTS_AT_A_TIME, async (row) => {
    const { groups } = await groupsOfTopic(admin, row);
    return { ...row, groups };
  });
}

/** Creates the topic where it is not there, and changes what is given where it is. */
async function putTopic(
  context: AdminContext,
  where: { brokerAddr: string | undefined; clusterName: string | undefined },
  topic: string,
  settings: TopicSettings,
): Promise<FanOut<void>> {
  const { admin } = context;
  const targets = await brokersToChange(context, where);
  const found = await findTopicOrNone(admin, topic);
  return await fanOut(targets, async ({ brokerName }) => {
    const only = { brokerNames: [brokerName] };
    const isThere = found?.brokers.some((broker) => broker.brokerName === brokerName);
    if (isThere) await updateTopic(admin, found!, settings, only);
    else await createTopic(admin, topic, settings, only);
  });
}

/** Reads `+a=b,-c`. @throws {UsageError} */
export function readAttributes(
  given: string | undefined,
): Record<string, string | null> | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.split(",").map((change) => {
      const [, name, value] = /^\+([^=]+)=(.*)$/.exec(change.trim()) ?? [];
      if (name !== undefined) return [name, value!];
      const [, gone] = /^-([^=]+)$/.exec(change.trim()) ?? [];
      if (gone !== undefined) return [gone, null];
      throw new UsageError(`--attributes are +name=value and -name with commas, not "${change}"`);
    }),
  );
}

async function whatIsDeleted({ admin }: AdminContext, topic: string) {
  const { topic: found } = await findTopic(admin, topic);
  const [stats, { groups }] = await Promise.all([
    topicStats(admin, found),
    groupsOfTopic(admin, found),
  ]);
  return partsOutput({
    queues: tableOutput(stats.queues, {
      "Would be deleted": (row) => row.brokerName,
      Queue: (row) => row.queueId,
      Messages: (row) => row.maxOffset - row.minOffset,
    }),
    groups: tableOutput(groups, { "Groups that consume it": (group) => group }),
  });
}

async function updateOrderConf(
  { admin, isDryRun }: AdminContext,
  { topic, method, orderConf }: {
    topic: string;
    method: "get" | "put" | "delete";
    orderConf: string | undefined;
  },
) {
  const before = await kvGet(admin, ORDER_TOPIC_CONFIG, topic);
  if (method === "get") {
    return textOutput({ topic, orderConf: before ?? null }, `${before ?? "not set"}\n`);
  }
  if (method === "put" && orderConf === undefined) {
    throw new UsageError("put needs the queues: -v BROKER:QUEUES;…, as in -v broker-a:4");
  }
  const after = method === "put" ? orderConf : undefined;
  const said = `order of ${topic}: ${before ?? "not set"} → ${after ?? "not set"}\n`;
  const data = { topic, before: before ?? null, after: after ?? null, isDryRun };
  if (!isDryRun) {
    if (after === undefined) await kvDelete(admin, ORDER_TOPIC_CONFIG, topic);
    else await kvPut(admin, ORDER_TOPIC_CONFIG, topic, after);
  }
  return textOutput(data, isDryRun ? `would change ${said}` : said);
}

/** perm as Java's PermName says it: RW-. */
function permText(perm: number): string {
  return ["R", "W", "X"].map((letter, at) => perm & (4 >> at) ? letter : "-").join("");
}
