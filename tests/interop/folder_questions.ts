/** Asks a server all about what is in its data folder, so that the answers of two servers can be compared. */

import { decodeUtf8, toHex } from "../../client/protocol/bytes.ts";
import { GET_ALL_SUBSCRIPTIONGROUP_CONFIG } from "../../client/protocol/commands/group.ts";
import { QUERY_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import * as query from "../../client/protocol/commands/query.ts";
import { GET_ALL_TOPIC_CONFIG } from "../../client/protocol/commands/topic.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import type { Command } from "../../client/protocol/header_schema.ts";
import type { RemotingCommand } from "../../client/protocol/frame.ts";
import { findProperty } from "../../client/protocol/message.ts";
import { decodeMessages, type StoredMessage } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { TestClient } from "../helpers/comet.ts";
import { GROUPS, GROWING_TOPICS, succeeded, TOPICS } from "./folder_workload.ts";

/** Questions in words, with their answers. */
export type Answers = Map<string, string>;

type Table = Record<string, unknown>;

/** Comet has it by itself, and writes it down with the next change; Apache has it when traceTopicEnable says so. */
const TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";
/** How many messages of a queue are also looked up by id, key and time. */
const LOOKED_UP_MAX = 6;

/** Asks the broker on `port`. Of topics that grow by themselves only the messages that are there are asked for. */
export async function ask(port: number): Promise<Answers> {
  await using client = new TestClient(port);
  const answers: Answers = new Map();
  await askTables(client, answers);
  for (const topic of GROWING_TOPICS) addMessages(answers, await pullAll(client, topic, 0));
  for (const [topic, queueCount] of Object.entries(TOPICS)) {
    for (let queueId = 0; queueId < queueCount; queueId++) {
      const messages = await pullAll(client, topic, queueId);
      addMessages(answers, messages);
      await askEnds(client, answers, topic, queueId);
      await askLookups(client, answers, messages);
    }
  }
  return answers;
}

async function askTables(client: TestClient, answers: Answers): Promise<void> {
  const topics = await client.invoke(GET_ALL_TOPIC_CONFIG, {});
  const groups = await client.invoke(GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {});
  const { [TRACE_TOPIC]: _, ...table } = jsonOf(topics)["topicConfigTable"] as Table;
  addTable(answers, "topic", table);
  addTable(answers, "group", jsonOf(groups)["subscriptionGroupTable"]);
  for (const consumerGroup of GROUPS) {
    for (const [topic, queueCount] of Object.entries(TOPICS)) {
      for (let queueId = 0; queueId < queueCount; queueId++) {
        const answer = await client.invoke(QUERY_CONSUMER_OFFSET, {
          consumerGroup,
          topic,
          queueId,
          setZeroIfNotFound: false,
        });
        const offset = answer.extFields.get("offset") ?? `code ${answer.code}`;
        answers.set(`committed ${consumerGroup} ${topic} ${queueId}`, offset);
      }
    }
  }
}

function jsonOf(answer: RemotingCommand): Record<string, unknown> {
  const { body } = succeeded(answer);
  return parseFastjson(decodeUtf8(body, 0, body.length)) as Record<string, unknown>;
}

function addTable(answers: Answers, kind: string, table: unknown): void {
  for (const [name, row] of Object.entries(table as object)) {
    answers.set(`${kind} ${name}`, JSON.stringify(sortedKeys(row)));
  }
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([left], [right]) => left < right ? -1 : 1);
  return Object.fromEntries(entries.map(([key, part]) => [key, sortedKeys(part)]));
}

/** All messages of a queue. */
export async function pullAll(
  client: TestClient,
  topic: string,
  queueId: number,
): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for (let queueOffset = 0;;) {
    const answer = await client.pull(topic, { queueId, queueOffset });
    const { code, remark, extFields } = answer;
    if (code === ResponseCode.PULL_NOT_FOUND || code === ResponseCode.TOPIC_NOT_EXIST) {
      return messages;
    }
    const next = Number(extFields.get("nextBeginOffset"));
    // The queue begins further on.
    const isMoved = code === ResponseCode.PULL_OFFSET_MOVED && next > queueOffset;
    if (code !== ResponseCode.SUCCESS && !isMoved) {
      throw new Error(`Cannot pull ${topic} ${queueId} from ${queueOffset}: ${code} ${remark}`);
    }
    messages.push(...decodeMessages(answer.body));
    queueOffset = next;
  }
}

function addMessages(answers: Answers, messages: readonly StoredMessage[]): void {
  for (const message of messages) {
    const { topic, queueId, queueOffset } = message;
    answers.set(`message ${topic} ${queueId} ${queueOffset}`, printed(message));
  }
}

function printed(message: StoredMessage): string {
  const { body, bornHost, storeHost, ...rest } = message;
  return JSON.stringify({
    ...rest,
    body: decodeUtf8(body, 0, body.length),
    bornHost: toHex(bornHost),
    storeHost: toHex(storeHost),
  });
}

async function askEnds(
  client: TestClient,
  answers: Answers,
  topic: string,
  queueId: number,
): Promise<void> {
  const header = { topic, queueId };
  const commands: Command<typeof query.GET_MIN_OFFSET.request.fields>[] = [
    query.GET_MIN_OFFSET,
    query.GET_MAX_OFFSET,
    query.GET_EARLIEST_MSG_STORETIME,
  ];
  for (const command of commands) {
    const { extFields } = succeeded(await client.invoke(command, header));
    const answer = extFields.get("offset") ?? extFields.get("timestamp") ?? "nothing";
    answers.set(`${command.name} ${topic} ${queueId}`, answer);
  }
}

async function askLookups(
  client: TestClient,
  answers: Answers,
  messages: StoredMessage[],
): Promise<void> {
  const step = Math.max(1, Math.floor(messages.length / LOOKED_UP_MAX));
  const chosen = messages.filter((_, index) => index % step === 0 || index === messages.length - 1);
  for (const message of chosen) {
    const view = await client.invoke(query.VIEW_MESSAGE_BY_ID, { offset: message.physicalOffset });
    const found = view.code === ResponseCode.SUCCESS
      ? decodeMessages(view.body).map(printed).join()
      : `code ${view.code}`;
    answers.set(`id ${message.offsetMsgId}`, found);
    await askByTime(client, answers, message);
    await askByKey(client, answers, message);
  }
}

async function askByTime(
  client: TestClient,
  answers: Answers,
  { topic, queueId, storeTimestamp }: StoredMessage,
): Promise<void> {
  for (const timestamp of [storeTimestamp - 1, storeTimestamp, storeTimestamp + 1]) {
    for (const boundaryType of ["lower", "upper"]) {
      const question = `by time ${topic} ${queueId} ${timestamp} ${boundaryType}`;
      if (answers.has(question)) continue;
      const header = { topic, queueId, timestamp, boundaryType };
      const { extFields } = succeeded(
        await client.invoke(query.SEARCH_OFFSET_BY_TIMESTAMP, header),
      );
      answers.set(question, extFields.get("offset")!);
    }
  }
}

async function askByKey(
  client: TestClient,
  answers: Answers,
  { topic, properties }: StoredMessage,
): Promise<void> {
  const uniqKey = findProperty(properties, "UNIQ_KEY")!;
  const keys = findProperty(properties, "KEYS")!.split(" ");
  for (const key of [uniqKey, ...keys]) {
    const question = `key ${topic} ${key}`;
    if (answers.has(question)) continue;
    const answer = await client.invoke(query.QUERY_MESSAGE, {
      topic,
      key,
      maxNum: 64,
      beginTimestamp: 0,
      endTimestamp: Date.now() + 60_000,
      _UNIQUE_KEY_QUERY: key === uniqKey,
    });
    const offsets = answer.code === ResponseCode.SUCCESS
      ? decodeMessages(answer.body).map(({ physicalOffset }) => physicalOffset)
      : [];
    answers.set(question, offsets.sort((left, right) => left - right).join());
  }
}

/** Every question of `before` that `after` answers differently or not at all, at most `limit`, in words. */
export function differences(before: Answers, after: Answers, limit = 10): string[] {
  const found: string[] = [];
  for (const [question, answer] of before) {
    const now = after.get(question);
    if (now === answer) continue;
    found.push(`${question}: was ${answer}, is ${now ?? "not there"}`);
    if (found.length === limit) break;
  }
  return found;
}
