/**
 * What admins have consumers do through the broker: go on elsewhere, tell how they are, consume a message again.
 * Source: Broker2Client.java and AdminBrokerProcessor.java of Apache RocketMQ 5.3.3.
 */

import * as commands from "../../client/protocol/commands/admin_consumer.ts";
import { createRequest, type RemotingCommand } from "../../client/protocol/frame.ts";
import { encodeHeader } from "../../client/protocol/header_schema.ts";
import { parseMessageId } from "../../client/protocol/message.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { InvokeTimeoutError } from "../../client/remoting/connection.ts";
import type { MessageStore } from "../../store/message_store.ts";
import type { Config } from "../config.ts";
import { type Reply, type Route, route } from "../dispatcher.ts";
import { describeError, type Log } from "../log.ts";
import type { ClientInfo, ConsumerTable } from "./client_table.ts";
import { readConsumerStatus } from "./consumer_status.ts";
import type { GroupTable } from "./group_table.ts";
import { fastjsonBody } from "./json_body.ts";
import {
  bodyForClients,
  clientResetOffsets,
  offsetTableOf,
  resetAtBroker,
  type ResetDeps,
} from "./reset_offset.ts";

export interface ConsumerAdminDeps extends ResetDeps {
  config: Readonly<Pick<Config, "brokerName" | "useServerSideResetOffset">>;
  store: ResetDeps["store"] & Pick<MessageStore, "selectMessageByOffset">;
  groups: Pick<GroupTable, "has" | "groups">;
  consumers: Pick<ConsumerTable, "groups">;
  log: Log;
}

/** How long a client has to answer what an admin asks of it. */
const CALL_TIMEOUT_MILLIS = 10_000;
const STATUS_TIMEOUT_MILLIS = 5_000;

/** The commands of `admin_consumer.ts` that reach the consumers themselves. */
export function consumerAdminRoutes(deps: ConsumerAdminDeps): Route[] {
  const { config, store, topics, groups, log } = deps;
  return [
    route(commands.INVOKE_BROKER_TO_RESET_OFFSET, ({ header, request }) => {
      const { topic, group, timestamp } = header;
      log.info("an admin takes a group elsewhere", { topic, group, timestamp });
      if (config.useServerSideResetOffset) return resetAtBroker(deps, header);
      return tellClients(deps, header, request);
    }),
    route(commands.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, async ({ header }) => {
      const consumerTable = await consumerStatus(deps, header);
      return { body: fastjsonBody({ consumerTable, messageQueueTable: new Map() }) };
    }),
    route(
      commands.GET_CONSUMER_RUNNING_INFO,
      ({ header, request }) =>
        callConsumer(deps, header.consumerGroup, header.clientId, {
          code: request.code,
          extFields: request.extFields,
        }),
    ),
    route(commands.CONSUME_MESSAGE_DIRECTLY, async ({ header, request }) => {
      const { consumerGroup, clientId = "", topic } = header;
      const extFields = new Map(request.extFields);
      extFields.set("brokerName", config.brokerName);
      const topicSysFlag = topic && topics.get(topic)?.topicSysFlag;
      if (topicSysFlag !== undefined) extFields.set("topicSysFlag", String(topicSysFlag));
      const groupSysFlag = groups.groups.get(consumerGroup)?.groupSysFlag;
      if (groupSysFlag !== undefined) extFields.set("groupSysFlag", String(groupSysFlag));
      const body = await messageOf(store, header.msgId);
      return callConsumer(deps, consumerGroup, clientId, { code: request.code, extFields, body });
    }),
  ];
}

/** The way of 4.x: the members of the group go on elsewhere and commit that. */
function tellClients(
  deps: ConsumerAdminDeps,
  header: Parameters<typeof clientResetOffsets>[1],
  { language }: RemotingCommand,
): Reply {
  const { topic, group, timestamp } = header;
  const offsets = clientResetOffsets(deps, header);
  const clients = deps.consumers.groups.get(group)?.clients;
  if (clients === undefined || clients.size === 0) {
    throw refuse(
      ResponseCode.CONSUMER_NOT_ONLINE,
      `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} ` +
        `Timestamp: ${timestamp}`,
    );
  }
  const { code, request } = commands.RESET_CONSUMER_CLIENT_OFFSET;
  const queue = { brokerName: deps.config.brokerName, topic };
  const body = fastjsonBody(bodyForClients(queue, offsets, language === "CPP"));
  for (const connection of clients.keys()) {
    const fields = encodeHeader(request, { topic, group, timestamp });
    connection.invokeOneway(createRequest(code, fields, body));
  }
  return { body: fastjsonBody({ offsetTable: offsetTableOf(queue, offsets) }) };
}

/** How far the clients of a group are in a topic, by client and queue. A client that does not answer is left out. */
async function consumerStatus(
  { consumers, log }: ConsumerAdminDeps,
  { topic, group, clientAddr }: { topic: string; group: string; clientAddr: string | undefined },
): Promise<Map<string, unknown>> {
  const clients = [...consumers.groups.get(group)?.clients.values() ?? []];
  if (clients.length === 0) {
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      `No Any Consumer online in the consumer group: [${group}]`,
    );
  }
  const { code, request } = commands.GET_CONSUMER_STATUS_FROM_CLIENT;
  const status = new Map<string, unknown>();
  const asked = clients.filter(({ clientId }) => !clientAddr || clientAddr === clientId);
  await Promise.all(asked.map(async ({ clientId, connection }) => {
    try {
      const question = createRequest(code, encodeHeader(request, { topic, group }));
      const answer = await connection.invoke(question, STATUS_TIMEOUT_MILLIS);
      const table = answer.code === ResponseCode.SUCCESS
        ? readConsumerStatus(answer.body)
        : undefined;
      if (table !== undefined) status.set(clientId, table);
    } catch (error) {
      log.warn("a consumer does not tell its status", { topic, group, clientId, error });
    }
  }));
  return status;
}

interface Question {
  code: number;
  extFields: Map<string, string>;
  body?: Uint8Array;
}

/** Asks a member of a group and gives its answer, whatever that is. */
async function callConsumer(
  { consumers }: ConsumerAdminDeps,
  group: string,
  clientId: string,
  { code, extFields, body }: Question,
): Promise<Reply> {
  const client = findClient(consumers, group, clientId);
  if (client === undefined) {
    throw refuse(ResponseCode.SYSTEM_ERROR, `The Consumer <${group}> <${clientId}> not online`);
  }
  try {
    const question = createRequest(code, extFields, body);
    const answer = await client.connection.invoke(question, CALL_TIMEOUT_MILLIS);
    const { remark } = answer;
    return { code: answer.code, body: answer.body, ...(remark === undefined ? {} : { remark }) };
  } catch (error) {
    if (error instanceof InvokeTimeoutError) {
      throw refuse(
        ResponseCode.CONSUME_MSG_TIMEOUT,
        `consumer <${group}> <${clientId}> Timeout: ${error.message}`,
      );
    }
    throw refuse(
      ResponseCode.SYSTEM_ERROR,
      `invoke consumer <${group}> <${clientId}> Exception: ${describeError(error)}`,
    );
  }
}

function findClient(
  consumers: ConsumerAdminDeps["consumers"],
  group: string,
  clientId: string,
): ClientInfo | undefined {
  const clients = [...consumers.groups.get(group)?.clients.values() ?? []];
  return clients.findLast((client) => client.clientId === clientId && !client.connection.closed);
}

async function messageOf(
  store: ConsumerAdminDeps["store"],
  msgId: string | undefined,
): Promise<Uint8Array> {
  let record: Uint8Array | undefined;
  try {
    record = await store.selectMessageByOffset(parseMessageId(msgId ?? "").physicalOffset);
  } catch (error) {
    if (error instanceof RangeError) throw refuse(ResponseCode.INVALID_PARAMETER, error.message);
    throw error;
  }
  if (record !== undefined) return record;
  throw refuse(ResponseCode.SYSTEM_ERROR, `can not find message by the offsetMsgId ${msgId}`);
}
