/** `comet admin`: reading through a topic. */

import { MessageSearch } from "../../client/admin/search.ts";
import type { SearchQuery } from "../../client/admin/search_types.ts";
import { type Message, messageOf } from "../../client/admin/message.ts";
import { viewOf } from "../../client/protocol/bytes.ts";
import { checkRecord } from "../../client/protocol/message_record.ts";
import { UsageError } from "../flags.ts";
import { filterOf } from "../http/message_filter.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { bool, integer, oneOf, required, text, time } from "./admin_flags.ts";
import { type AdminOutput, tableOutput } from "./admin_output.ts";
import { messageLine } from "./message_output.ts";

const area = "Messages";
const topic = required(text("t", "TOPIC", "the topic's name"));
const FILTER_FLAGS = {
  subExpression: text("s", "TAGS", "only these tags, with || between them"),
  sql: text(undefined, "EXPRESSION", "only what this SQL92 expression lets pass"),
  text: text(undefined, "TEXT", "only bodies with this text"),
  beginTimestamp: time("b", "stored then or later"),
  endTimestamp: time("e", "stored then or before"),
  charsetName: oneOf("c", ["UTF-8"], "taken; what is no UTF-8 is shown in base64"),
};
/** Of each body so much is shown. */
const BODY_LIMIT = 64 * 1024;

export const PRINT_COMMANDS = {
  printMsg: adminCommand({
    area,
    help: "print the messages of a topic, oldest first",
    flags: { topic, ...FILTER_FLAGS, printBody: bool("d", "with their bodies (true)") },
    run: (context, { printBody = true, ...values }) =>
      printed(context, searchOf(values), { printBody }),
  }),
  printMsgByQueue: adminCommand({
    area,
    help: "print the messages of a queue, or count them by tag",
    flags: {
      topic,
      brokerName: required(text("a", "BROKER", "the broker's name")),
      queueId: required(integer("i", "QUEUE", "the queue")),
      ...FILTER_FLAGS,
      printMsg: bool("p", "print the messages (true, or false with -f)"),
      printBody: bool("d", "with their bodies (true)"),
      calculate: bool("f", "count them by tag"),
    },
    run(context, { printBody = true, calculate = false, brokerName, queueId, ...values }) {
      const query = { ...searchOf(values), brokerName, queueId };
      const { printMsg = !calculate } = values;
      return printed(context, query, { printBody, printMsg, calculate });
    },
  }),
  consumeMessage: adminCommand({
    area,
    help: "print some messages of a topic or a queue without taking them from anybody",
    flags: {
      topic,
      brokerName: text("b", "BROKER", "only the queues of the broker of this name"),
      queueId: integer("i", "QUEUE", "only this queue, with -b"),
      offset: integer("o", "OFFSET", "from this queueOffset on, with -i"),
      consumerGroup: text("g", "GROUP", "taken; no group's offsets change"),
      beginTimestamp: time("s", "stored then or later"),
      endTimestamp: time("e", "stored then or before"),
      MessageNumber: integer("c", "COUNT", "how many at most (128)", 1),
    },
    run(context, { brokerName, queueId, offset: beginOffset, MessageNumber = 128, ...values }) {
      if (queueId !== undefined && brokerName === undefined) {
        throw new UsageError("-i QUEUE needs the broker of the queue: -b BROKER");
      }
      if (beginOffset !== undefined && queueId === undefined) {
        throw new UsageError("-o OFFSET needs the queue: -b BROKER -i QUEUE");
      }
      const query = {
        ...searchOf(values),
        ...(brokerName === undefined ? {} : { brokerName }),
        ...(queueId === undefined ? {} : { queueId }),
        ...(beginOffset === undefined ? {} : { beginOffset }),
      };
      return printed(context, query, { printBody: true, limit: MessageNumber });
    },
  }),
  dumpCompactionLog: adminCommand({
    area,
    help: "print the messages in a file of a compacted topic, without a server",
    flags: { file: required(text("f", "FILE", "the file")) },
    run: dumpFile,
  }),
};

function searchOf(values: {
  readonly topic: string;
  readonly subExpression?: string | undefined;
  readonly sql?: string | undefined;
  readonly text?: string | undefined;
  readonly beginTimestamp: number | undefined;
  readonly endTimestamp: number | undefined;
}): SearchQuery {
  const { topic, subExpression: tag, sql, text, beginTimestamp, endTimestamp } = values;
  return {
    topic,
    order: "asc",
    filter: filterOf({ tag, sql, text }),
    bodyLimit: BODY_LIMIT,
    ...(beginTimestamp === undefined ? {} : { begin: beginTimestamp }),
    ...(endTimestamp === undefined ? {} : { end: endTimestamp }),
  };
}

async function* dumpFile(
  { readFile }: AdminContext,
  { file }: { file: string },
): AsyncGenerator<AdminOutput> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  const view = viewOf(bytes);
  for (let position = 0;;) {
    const check = checkRecord(bytes, view, position, bytes.length);
    if (check.kind === "corrupt") throw new Error(`${file}, at ${position}: ${check.reason}`);
    if (check.kind !== "message") return;
    yield messageLine(messageOf(bytes, check.record, ""), true);
    position += check.record.size;
  }
}

interface PrintOptions {
  readonly printBody: boolean;
  readonly printMsg?: boolean;
  readonly calculate?: boolean;
  readonly limit?: number;
}

async function* printed(
  { admin }: AdminContext,
  query: SearchQuery,
  { printBody, printMsg = true, calculate = false, limit = Infinity }: PrintOptions,
): AsyncGenerator<AdminOutput> {
  const counts = new Map<string, number>();
  const search = await MessageSearch.open(admin, query);
  for (let found = 0; found < limit && !search.isDone;) {
    const message = search.take();
    if (message === undefined) await search.advance();
    else {
      found++;
      if (calculate) count(counts, message);
      if (printMsg) yield messageLine(message, printBody);
    }
  }
  if (calculate) yield countsOutput(counts);
}

function count(counts: Map<string, number>, { tags }: Message): void {
  if (tags !== undefined) counts.set(tags, (counts.get(tags) ?? 0) + 1);
}

function countsOutput(counts: ReadonlyMap<string, number>): AdminOutput {
  const rows = [...counts].map(([tag, count]) => ({ tag, count }))
    .sort((a, b) => b.count - a.count);
  return tableOutput(rows, { Tag: (row) => row.tag, Count: (row) => row.count });
}
