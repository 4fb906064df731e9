/** `comet admin`: consumer groups and who is connected. */

import type { AdminClient, BrokerAddress } from "../../client/admin/admin_client.ts";
import {
  type Client,
  groupConnections,
  listProducers,
  producerConnections,
  type RunningInfo,
  runningInfo,
  runningInfos,
} from "../../client/admin/clients.ts";
import { putGroups } from "../../client/admin/config_lists.ts";
import { CONSUME_MODES, setConsumeMode } from "../../client/admin/consume_mode.ts";
import { type FanOut, fanOut } from "../../client/admin/fan_out.ts";
import {
  createGroup,
  deleteGroup,
  findGroup,
  findGroupOrNone,
  type Group,
  type GroupSettings,
  topicsOfGroup,
  updateGroup,
} from "../../client/admin/groups.ts";
import { parseGroupRetryPolicy } from "../../client/protocol/retry_policy.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { parseSubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { UsageError } from "../flags.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { bool, integer, oneOf, required, text, toggle } from "./admin_flags.ts";
import {
  changeOutput,
  type Columns,
  partsOutput,
  recordOutput,
  tableOutput,
  textOutput,
} from "./admin_output.ts";
import { BROKER_FLAGS, brokersToAsk, brokersToChange } from "./broker_choice.ts";
import { readJsonList } from "./json_file.ts";

const area = "Groups";
const groupName = required(text("g", "GROUP", "the group's name"));
const consumerGroup = groupName;

export const GROUP_COMMANDS = {
  updateSubGroup: adminCommand({
    area,
    help: "create a consumer group, or change what is given of one",
    flags: {
      groupName,
      ...BROKER_FLAGS,
      consumeEnable: bool("s", "whether it may consume"),
      consumeFromMinEnable: bool("m", "whether it may begin with the oldest message"),
      consumeBroadcastEnable: bool("d", "whether it may be broadcasting"),
      consumeMessageOrderly: bool("o", "whether it consumes in order"),
      retryQueueNums: integer("q", "COUNT", "queues of its retry topic"),
      retryMaxTimes: integer("r", "COUNT", "how often a message comes again", -1),
      groupRetryPolicy: text("p", "JSON", "when a message comes again, a GroupRetryPolicy"),
      brokerId: integer("i", "ID", "the broker to consume from"),
      whichBrokerWhenConsumeSlowly: integer("w", "ID", "the one when it is far behind"),
      notifyConsumerIdsChanged: bool("a", "whether its members are told of each other"),
    },
    async run(context, { groupName, brokerAddr, clusterName, ...given }) {
      const { groupRetryPolicy, notifyConsumerIdsChanged, ...settings } = given;
      const result = await putGroup(context, { brokerAddr, clusterName }, groupName, {
        ...settings,
        notifyConsumerIdsChangedEnable: notifyConsumerIdsChanged,
        groupRetryPolicy: groupRetryPolicy === undefined
          ? undefined
          : parseGroupRetryPolicy(readJson("groupRetryPolicy", groupRetryPolicy)),
      });
      return changeOutput(result, `group ${groupName} is set`, { group: groupName });
    },
  }),
  updateSubGroupList: adminCommand({
    area,
    help: "create or set the groups of a JSON file, a list of SubscriptionGroupConfigs",
    flags: { ...BROKER_FLAGS, filename: required(text("f", "FILE", "the file")) },
    async run(context, values) {
      const groups = (await readJsonList(context, values.filename))
        .map(parseSubscriptionGroupConfig);
      const result = await fanOut(
        await brokersToChange(context, values),
        ({ brokerAddr }) => putGroups(context.admin, brokerAddr, groups),
      );
      return changeOutput(result, `${groups.length} groups are set`);
    },
  }),
  deleteSubGroup: adminCommand({
    area,
    help: "delete a consumer group",
    hasDryRun: true,
    flags: {
      groupName,
      ...BROKER_FLAGS,
      removeOffset: bool("r", "whether its offsets go as well"),
    },
    async run(context, { groupName, removeOffset: cleanOffset = false, ...where }) {
      const targets = await brokersToChange(context, where);
      const { group: found } = await findGroup(context.admin, groupName);
      const brokers = found.brokers.filter(({ broker }) =>
        targets.some(({ brokerName }) => brokerName === broker.brokerName)
      );
      const group = { ...found, brokers };
      if (context.isDryRun) return await whatIsDeleted(context, group, cleanOffset);
      // Its topics stay where another broker still has the group.
      const deleteTopics = brokers.length === found.brokers.length;
      const result = await deleteGroup(context.admin, group, { cleanOffset, deleteTopics });
      return changeOutput(result, `group ${groupName} is deleted`, { group: groupName });
    },
  }),
  setConsumeMode: adminCommand({
    area,
    help: "choose for a group and a topic between pulling and popping",
    flags: {
      groupName,
      topicName: required(text("t", "TOPIC", "the topic's name")),
      ...BROKER_FLAGS,
      mode: required(oneOf("m", CONSUME_MODES, "who shares the messages out")),
      popShareQueueNum: integer("q", "COUNT", "clients that share a queue when popping (all)"),
    },
    async run(context, { groupName, topicName, mode, popShareQueueNum = 0, ...where }) {
      const request = { topic: topicName, consumerGroup: groupName, mode, popShareQueueNum };
      const result = await fanOut(
        await brokersToChange(context, where),
        ({ brokerAddr }) => setConsumeMode(context.admin, brokerAddr, request),
      );
      return changeOutput(result, `${groupName} is set to ${mode} for ${topicName}`, request);
    },
  }),
  getConsumerConfig: adminCommand({
    area,
    help: "show a group's settings at each broker",
    flags: { groupName },
    async run({ admin }, { groupName }) {
      const { group, failures } = await findGroup(admin, groupName);
      const parts = group.brokers.map(({ broker, config }) =>
        [broker.brokerName, recordOutput({ broker: broker.brokerName, ...config })] as const
      );
      return { ...partsOutput(Object.fromEntries(parts)), failures };
    },
  }),
  consumerConnection: adminCommand({
    area,
    help: "list the members of a group and what it subscribes to",
    flags: { consumerGroup, brokerAddr: BROKER_FLAGS.brokerAddr },
    async run(context, { consumerGroup, brokerAddr }) {
      const brokers = await brokersToAsk(context, { brokerAddr, clusterName: undefined });
      const found = await groupConnections(context.admin, consumerGroup, brokers);
      refuseOffline(consumerGroup, found.clients);
      const { clients, subscriptions, consumeType, messageModel, consumeFromWhere } = found;
      return {
        ...partsOutput({
          clients: tableOutput(clients, CLIENT_COLUMNS),
          subscriptions: tableOutput(subscriptions, {
            Topic: (row) => row.topic,
            Type: (row) => row.expressionType,
            Expression: (row) => row.subString,
          }),
          how: recordOutput({ consumeType, messageModel, consumeFromWhere }),
        }),
        data: found,
        failures: found.failures,
      };
    },
  }),
  consumerStatus: adminCommand({
    area,
    help: "show what the members of a group say of themselves",
    flags: {
      consumerGroup,
      clientId: text("i", "CLIENT", "only this member"),
      brokerAddr: BROKER_FLAGS.brokerAddr,
      jstack: toggle("s", "also the stacks of its threads"),
    },
    run: consumerStatus,
  }),
  producer: adminCommand({
    area,
    help: "list the producers that are connected",
    flags: { broker: text("b", "ADDR", "only to the broker with this address") },
    async run(context, { broker }) {
      const { producers, failures } = await listProducers(context.admin);
      const [only] = broker === undefined
        ? []
        : await brokersToAsk(context, { brokerAddr: broker, clusterName: undefined });
      const rows = [...producers].flatMap(([group, clients]) =>
        clients.filter(({ brokerNames }) =>
          only === undefined || brokerNames.includes(only.brokerName)
        )
          .map((client) => ({ group, ...client }))
      );
      return tableOutput(rows, { Group: (row) => row.group, ...CLIENT_COLUMNS }, { failures });
    },
  }),
  producerConnection: adminCommand({
    area,
    help: "list the members of a producer group",
    flags: {
      producerGroup: groupName,
      topic: text("t", "TOPIC", "taken, since all brokers are asked anyway"),
    },
    async run({ admin }, { producerGroup }) {
      const { clients, failures } = await producerConnections(admin, producerGroup);
      refuseOffline(producerGroup, clients);
      return tableOutput(clients, CLIENT_COLUMNS, { failures });
    },
  }),
};

const CLIENT_COLUMNS: Columns<Client> = {
  Client: (row) => row.clientId,
  Address: (row) => row.clientAddr,
  Language: (row) => row.language,
  Version: (row) => row.version,
  Brokers: (row) => row.brokerNames.join(","),
};

function refuseOffline(group: string, clients: readonly unknown[]): void {
  if (clients.length > 0) return;
  throw refuse(ResponseCode.CONSUMER_NOT_ONLINE, `Nobody of the group ${group} is connected`);
}

function readJson(name: string, given: string): unknown {
  try {
    return JSON.parse(given);
  } catch (cause) {
    throw new UsageError(`--${name} is JSON, not "${given}"`, { cause });
  }
}

/** Creates the group where it is not there, and changes what is given where it is. */
async function putGroup(
  context: AdminContext,
  where: { brokerAddr: string | undefined; clusterName: string | undefined },
  groupName: string,
  settings: GroupSettings,
): Promise<FanOut<void>> {
  const { admin } = context;
  const targets = await brokersToChange(context, where);
  const found = await findGroupOrNone(admin, groupName);
  return await fanOut(targets, async ({ brokerName }) => {
    const present = found?.brokers.filter(({ broker }) => broker.brokerName === brokerName) ?? [];
    if (present.length > 0) await updateGroup(admin, { ...found!, brokers: present }, settings);
    else await createGroup(admin, groupName, settings, { brokerNames: [brokerName] });
  });
}

async function whatIsDeleted({ admin }: AdminContext, group: Group, cleanOffset: boolean) {
  const brokers = group.brokers.map(({ broker }) => broker);
  const [{ clients }, topics] = await Promise.all([
    groupConnections(admin, group.group, brokers),
    topicsOfGroup(admin, group.group),
  ]);
  return partsOutput({
    brokers: tableOutput(brokers, {
      "Would be deleted at": (row) => row.brokerName,
      Offsets: () => cleanOffset ? "go" : "stay",
    }),
    topics: tableOutput(topics, { "Topics that would go": (topic) => topic }),
    clients: tableOutput(clients, CLIENT_COLUMNS),
  });
}

async function consumerStatus(
  context: AdminContext,
  { consumerGroup, clientId, brokerAddr, jstack }: {
    consumerGroup: string;
    clientId: string | undefined;
    brokerAddr: string | undefined;
    jstack: boolean;
  },
) {
  const { admin } = context;
  const brokers = await brokersToAsk(context, { brokerAddr, clusterName: undefined });
  const connections = await groupConnections(admin, consumerGroup, brokers);
  refuseOffline(consumerGroup, connections.clients);
  if (clientId !== undefined || jstack) {
    const chosen = connections.clients.filter((client) =>
      clientId === undefined || client.clientId === clientId
    );
    refuseOffline(`${consumerGroup} with the id ${clientId}`, chosen);
    const infos = await Promise.all(
      chosen.map((client) => askClient(admin, { consumerGroup, client, brokers, jstack })),
    );
    return partsOutput(Object.fromEntries(infos.map((info) => [info.clientId, infoOutput(info)])));
  }
  const infos = await runningInfos(admin, consumerGroup, connections, brokers);
  const rows = connections.clients.map((client) => ({
    ...client,
    info: infos.find((info) => info.clientId === client.clientId),
  }));
  return tableOutput(rows, {
    ...CLIENT_COLUMNS,
    Answers: (row) => row.info !== undefined,
    Queues: (row) => row.info && row.info.queues.length + row.info.popQueues.length,
  }, { failures: connections.failures });
}

async function askClient(
  admin: AdminClient,
  { consumerGroup, client, brokers, jstack }: {
    consumerGroup: string;
    client: Client;
    brokers: readonly BrokerAddress[];
    jstack: boolean;
  },
): Promise<RunningInfo> {
  const broker = brokers.find(({ brokerName }) => client.brokerNames.includes(brokerName))!;
  return await runningInfo(admin, broker.brokerAddr, consumerGroup, client.clientId, { jstack });
}

function infoOutput(info: RunningInfo) {
  const output = partsOutput({
    properties: recordOutput({ clientId: info.clientId, ...info.properties }),
    queues: tableOutput([...info.queues, ...info.popQueues], {
      Topic: (row) => row.queue.topic,
      Broker: (row) => row.queue.brokerName,
      Queue: (row) => row.queue.queueId,
      Commit: (row) => Number(row.value["commitOffset"] ?? 0),
      Cached: (row) => Number(row.value["cachedMsgCount"] ?? 0),
    }),
    jstack: textOutput(info.jstack, info.jstack ?? ""),
  });
  return { ...output, data: info };
}
