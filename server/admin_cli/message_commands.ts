/** `comet admin`: finding messages and sending them. */

import { consumeDirectly } from "../../client/admin/consume_directly.ts";
import { consumeQueueUnits } from "../../client/admin/consume_queue.ts";
import { messagesOf } from "../../client/admin/message.ts";
import {
  ALL_TIMES,
  findMessage,
  findStored,
  isOffsetMsgId,
  queryByKey,
} from "../../client/admin/messages.ts";
import { copyOf, Publisher } from "../../client/admin/publish.ts";
import { pullOnce, type QueueAddress, readQueues } from "../../client/admin/queue_reading.ts";
import { type FoundTraceRecord, queryTrace, TRACE_TOPIC } from "../../client/admin/trace_query.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { refuse, ResponseCode } from "../../client/protocol/response_code.ts";
import { UsageError } from "../flags.ts";
import { messageJson } from "../http/message_schema.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { bool, integer, required, text, time, toggle } from "./admin_flags.ts";
import {
  type AdminOutput,
  recordOutput,
  tableOutput,
  textOutput,
  timeText,
} from "./admin_output.ts";
import { MESSAGE_COLUMNS, messageOutput } from "./message_output.ts";

const area = "Messages";
const topic = required(text("t", "TOPIC", "the topic's name"));
const msgId = required(text("i", "ID", "the message's id"));
const maxNum = integer("m", "COUNT", "how many at most (64)", 1);
const CONSUMER_FLAGS = {
  consumerGroup: text("g", "GROUP", "have a consumer of this group consume it again"),
  clientId: text("d", "CLIENT", "which consumer; the first one without it"),
};

export const MESSAGE_COMMANDS = {
  queryMsgById: adminCommand({
    area,
    help: "show a message by its id, the producer's or the broker's",
    flags: {
      msgId,
      topic: text("t", "TOPIC", "its topic, needed for an id that a producer gave"),
      ...CONSUMER_FLAGS,
      sendMessage: bool("s", "send a copy of it to its topic"),
    },
    async run(context, { msgId, topic, sendMessage = false, ...consumer }) {
      if (sendMessage) return await sendAgain(context, msgId, topic);
      return await showOrConsume(context, msgId, topic, consumer);
    },
  }),
  queryMsgByUniqueKey: adminCommand({
    area,
    help: "show a message by the id that its producer gave it",
    flags: { msgId, topic, ...CONSUMER_FLAGS, showAll: toggle("a", "all with this id") },
    async run(context, { msgId, topic, showAll, ...consumer }) {
      if (!showAll) return await showOrConsume(context, msgId, topic, consumer);
      const query = { topic, key: msgId, isUniqueKey: true, maxNum: 32 };
      return messagesOutput(await queryByKey(context.admin, query));
    },
  }),
  queryMsgByKey: adminCommand({
    area,
    help: "list the messages with a key",
    flags: {
      topic,
      msgKey: required(text("k", "KEY", "the key")),
      beginTimestamp: time("b", "stored then or later"),
      endTimestamp: time("e", "stored then or before"),
      maxNum,
    },
    async run({ admin }, { topic, msgKey, beginTimestamp, endTimestamp, maxNum = 64 }) {
      const { begin, end } = ALL_TIMES;
      const range = { begin: beginTimestamp ?? begin, end: endTimestamp ?? end };
      return messagesOutput(await queryByKey(admin, { topic, key: msgKey, maxNum, ...range }));
    },
  }),
  queryMsgByOffset: adminCommand({
    area,
    help: "show the message at an offset of a queue",
    flags: {
      topic,
      brokerName: required(text("b", "BROKER", "the broker's name")),
      queueId: required(integer("i", "QUEUE", "the queue")),
      offset: required(integer("o", "OFFSET", "the queueOffset")),
    },
    async run({ admin }, { topic, brokerName, queueId, offset: queueOffset }) {
      const queue = await queueOf({ admin }, topic, queueId, brokerName);
      const { body } = await pullOnce(admin, queue, { queueOffset, maxMsgNums: 1 });
      const [message] = messagesOf(body, brokerName);
      if (message !== undefined) return messageOutput(message);
      throw refuse(
        ResponseCode.QUERY_NOT_FOUND,
        `The queue ${brokerName}:${queueId} has no message at ${queueOffset}`,
      );
    },
  }),
  queryMsgTraceById: adminCommand({
    area,
    help: "show what clients have written about sending and consuming a message",
    flags: {
      msgId,
      traceTopic: text("t", "TOPIC", `where they write it (${TRACE_TOPIC})`),
      beginTimestamp: time("b", "written then or later"),
      endTimestamp: time("e", "written then or before"),
      maxNum: integer("c", "COUNT", "how many at most (64)", 1),
    },
    async run({ admin }, { beginTimestamp: begin, endTimestamp: end, maxNum = 64, ...query }) {
      const records = await queryTrace(admin, { ...query, begin, end, maxNum });
      return tableOutput(records, {
        What: (row) => row.kind,
        Group: (row) => row.group,
        Client: (row) => row.clientHost,
        Time: (row) => timeText(row.timestamp),
        "Took ms": (row) => row.costTime,
        Result: (row) => resultOf(row),
      });
    },
  }),
  queryCq: adminCommand({
    area,
    help: "show units of a consume queue",
    flags: {
      topic,
      queue: required(integer("q", "QUEUE", "the queue")),
      index: required(integer("i", "OFFSET", "the queueOffset of the first unit")),
      count: integer("c", "COUNT", "how many (10)", 1),
      broker: text("b", "ADDR", "the broker's address, needed where several have the topic"),
      consumer: text("g", "GROUP", "also what this group wants of the topic"),
    },
    run: queryCq,
  }),
  sendMessage: adminCommand({
    area,
    help: "send a message",
    flags: {
      topic,
      body: required(text("p", "TEXT", "the body")),
      key: text("k", "KEY", "keys with blanks between them"),
      tags: text("c", "TAG", "the tag"),
      broker: text("b", "BROKER", "to the broker of this name"),
      qid: integer("i", "QUEUE", "to this queue"),
    },
    async run(context, { topic, body, key, tags: tag, broker: brokerName, qid: queueId }) {
      const published = await publisherOf(context).publish({
        topic,
        body: encodeUtf8(body),
        ...(key === undefined ? {} : { keys: key.split(" ").filter((word) => word !== "") }),
        ...(tag === undefined ? {} : { tag }),
        ...(brokerName === undefined ? {} : { brokerName }),
        ...(queueId === undefined ? {} : { queueId }),
      }, context.now());
      return recordOutput({ ...published });
    },
  }),
};

function resultOf({ success, transactionState }: FoundTraceRecord): string | undefined {
  return transactionState ?? (success === undefined ? undefined : success ? "success" : "failed");
}

/** A sender of messages, whose ids are its own. */
export function publisherOf({ admin }: AdminContext): Publisher {
  return new Publisher(admin, crypto.getRandomValues(new Int32Array(1))[0]!, Deno.pid);
}

async function showOrConsume(
  { admin }: AdminContext,
  msgId: string,
  topic: string | undefined,
  { consumerGroup, clientId }: { consumerGroup: string | undefined; clientId: string | undefined },
): Promise<AdminOutput> {
  if (topic === undefined && !isOffsetMsgId(msgId)) {
    throw new UsageError("an id that a producer gave is found with its topic: -t TOPIC");
  }
  if (consumerGroup === undefined) return messageOutput(await findMessage(admin, msgId, topic));
  const stored = await findStored(admin, msgId, topic);
  return recordOutput({ ...await consumeDirectly(admin, stored, consumerGroup, clientId) });
}

async function sendAgain(
  context: AdminContext,
  msgId: string,
  topic: string | undefined,
): Promise<AdminOutput> {
  const stored = await findStored(context.admin, msgId, topic);
  const publisher = publisherOf(context);
  const now = context.now();
  const queue = await publisher.nextQueue(stored.topic);
  const copy = copyOf(stored, publisher.nextKey(now), now);
  return recordOutput({ ...await publisher.send(queue, copy) });
}

function messagesOutput({ messages }: Awaited<ReturnType<typeof queryByKey>>): AdminOutput {
  const data = messages.map((message) => messageJson(message, "auto"));
  return tableOutput(messages, MESSAGE_COLUMNS, { data });
}

/** A queue of a topic at a broker, or at the only one. @throws {UsageError} {RemotingError} */
async function queueOf(
  { admin }: Pick<AdminContext, "admin">,
  topic: string,
  queueId: number,
  broker: string | undefined,
): Promise<QueueAddress> {
  const queues = (await readQueues(admin, topic)).filter((queue) =>
    queue.queueId === queueId &&
    (broker === undefined || broker === queue.brokerName || broker === queue.brokerAddr)
  );
  if (queues.length > 1) throw new UsageError("several brokers have the queue; say which with -b");
  if (queues[0] !== undefined) return queues[0];
  const where = broker === undefined ? "" : ` at the broker ${broker}`;
  throw refuse(ResponseCode.INVALID_PARAMETER, `${topic} has no queue ${queueId}${where}`);
}

async function queryCq(
  context: AdminContext,
  { topic, queue, index, count = 10, broker, consumer: consumerGroup }: {
    topic: string;
    queue: number;
    index: number;
    count: number | undefined;
    broker: string | undefined;
    consumer: string | undefined;
  },
): Promise<AdminOutput> {
  const address = await queueOf(context, topic, queue, broker);
  const query = { index, count, consumerGroup };
  const view = await consumeQueueUnits(context.admin, address, query);
  if (view === undefined) return textOutput({ units: [] }, `${topic} has nothing at ${index}\n`);
  const { minQueueIndex, maxQueueIndex, subscriptionData, filterData } = view;
  const table = tableOutput(view.units, {
    Offset: (row) => row.queueOffset,
    "Physical offset": (row) => row.physicalOffset,
    Size: (row) => row.size,
    "Tags code": (row) => row.tagsCode,
    ...(filterData === undefined ? {} : { Passes: (row) => row.eval }),
  });
  const head = recordOutput({
    Min: minQueueIndex,
    Max: maxQueueIndex,
    subscriptionData,
    filterData,
  });
  return { data: view, text: () => `${head.text()}\n${table.text()}` };
}
