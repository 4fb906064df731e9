/**
 * A data folder with popped messages in flight goes from server to server. What was acknowledged on one must not come
 * again on the next, and everything else must: what was left alone, hidden for another time, or popped in order.
 */

import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import {
  ACK_MESSAGE,
  BATCH_ACK_MESSAGE,
  CHANGE_MESSAGE_INVISIBLETIME,
  POP_MESSAGE,
} from "../../client/protocol/commands/pop.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../client/protocol/commands/group.ts";
import { QUERY_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import { findProperty } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { createSubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { TestClient } from "../helpers/comet.ts";
import { startApacheNamesrv } from "./apache_server.ts";
import { type Journey, type Move, moveNames, START } from "./folder_journey.ts";

const TOPIC = "Popped";
const GROUP = "poppers";
const COUNT = 24;
const INVISIBLE_MILLIS = 10_000;
const QUEUES = [[TOPIC, 0], [TOPIC, 1], [`%RETRY%${GROUP}_${TOPIC}`, 0]] as const;
/** Apache's broker looks for messages to give back every second or so, and a folder that it took over waits longer. */
const AGAIN_LIMIT_MILLIS = 90_000;

export const POP_JOURNEYS: readonly Journey[] = [
  {
    name: "popped messages",
    settings: {},
    stops: [
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "kill" },
      // A kill here would have Apache's timer bring what it had when it was killed itself.
      { server: "Comet", end: "stop" },
      { server: "Comet", end: "kill" },
      { server: "Apache", end: "stop" },
    ],
  },
];

interface Given {
  body: string;
  queueId: number;
  queueOffset: number;
  realTopic: string;
  handle: string;
}

/** What has become of the messages. */
interface PopState {
  acked: Set<string>;
  /** Popped, and to come again. */
  left: Set<string>;
}

/** Goes the whole way; gives each move as it is done. */
export async function* travelPopped(journey: Journey, folder: string): AsyncGenerator<Move> {
  await using namesrv = await startApacheNamesrv(`${folder}/namesrv`);
  const state: PopState = { acked: new Set(), left: new Set() };
  for (const [index, { server, end }] of journey.stops.entries()) {
    const started = performance.now();
    await using running = await START[server]({
      data: `${folder}/store`,
      home: `${folder}/${index}-${server}`,
      namesrv: namesrv.address,
      settings: journey.settings,
    });
    await using client = new TestClient(running.port);
    const wasKilled = journey.stops[index - 1]?.end === "kill";
    const failures = index === 0 ? [] : await checkComesAgain(client, state, wasKilled);
    await work(client, state, `s${index}`);
    // Where groups are is written every few seconds; what a kill takes of that comes again, on whichever server.
    if (end === "kill") await offsetsSaved(client, `${folder}/store`);
    await running[end]();
    const seconds = (performance.now() - started) / 1000;
    if (index > 0) yield { name: moveNames(journey)[index - 1]!, seconds, failures };
  }
}

/**
 * Waits for what was left on the server before, and acknowledges it. Nothing that was acknowledged may come again,
 * unless that one was killed: what it had not written of how far the group is comes twice then.
 */
async function checkComesAgain(
  client: TestClient,
  { acked, left }: PopState,
  wasKilled: boolean,
): Promise<string[]> {
  const failures: string[] = [];
  const deadline = Date.now() + AGAIN_LIMIT_MILLIS;
  while (left.size > 0 && Date.now() < deadline) {
    for (const given of await pop(client, 60_000)) {
      if (acked.has(given.body) && !wasKilled) failures.push(`${given.body} came again`);
      assertEquals(await ack(client, given), ResponseCode.SUCCESS);
      left.delete(given.body);
      acked.add(given.body);
    }
  }
  if (left.size > 0) failures.push(`lost: ${[...left]}`);
  left.clear();
  return failures;
}

/** Sends, pops, acknowledges every other message, and hides one. */
async function work(client: TestClient, state: PopState, mark: string): Promise<void> {
  const group = encodeUtf8(JSON.stringify(createSubscriptionGroupConfig(GROUP)));
  await client.invoke(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, group);
  for (let number = 0; number < COUNT; number++) {
    const fields = { defaultTopicQueueNums: 2, queueId: number % 2 };
    const { code } = await client.send(TOPIC, encodeUtf8(`${mark}/${number}`), fields);
    assertEquals(code, ResponseCode.SUCCESS);
  }
  const popped: Given[] = [];
  while (popped.length < COUNT) popped.push(...await pop(client, INVISIBLE_MILLIS));
  const [hidden, ...others] = popped;
  assertEquals(await hide(client, hidden!), ResponseCode.SUCCESS);
  state.left.add(hidden!.body);
  const batch: Given[] = [];
  for (const [index, given] of others.entries()) {
    if (index % 4 === 0) assertEquals(await ack(client, given), ResponseCode.SUCCESS);
    if (index % 4 === 1) batch.push(given);
    (index % 4 < 2 ? state.acked : state.left).add(given.body);
  }
  assertEquals(await batchAck(client, batch), ResponseCode.SUCCESS);
}

/** Waits until the file says of the group what the broker does. */
async function offsetsSaved(client: TestClient, store: string): Promise<void> {
  const deadline = Date.now() + AGAIN_LIMIT_MILLIS;
  while (Date.now() < deadline) {
    const { offsetTable } = await readOffsets(`${store}/config/consumerOffset.json`);
    const isSaved = await Promise.all(QUEUES.map(async ([topic, queueId]) => {
      const header = { consumerGroup: GROUP, topic, queueId };
      const answer = await client.invoke(QUERY_CONSUMER_OFFSET, header);
      const saved = offsetTable[`${topic}@${GROUP}`]?.[queueId] ?? 0;
      return Number(answer.extFields.get("offset") ?? 0) === saved;
    }));
    if (isSaved.every((one) => one)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the consumer offsets are not written");
}

/** The file has another name for a moment while a new one takes its place. */
async function readOffsets(path: string): Promise<OffsetsFile> {
  try {
    return parseFastjson(await Deno.readTextFile(path)) as OffsetsFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { offsetTable: {} };
    throw error;
  }
}

interface OffsetsFile {
  offsetTable: Record<string, Record<number, number> | undefined>;
}

async function pop(client: TestClient, invisibleTime: number): Promise<Given[]> {
  const { code, extFields, body } = await client.invoke(POP_MESSAGE, {
    consumerGroup: GROUP,
    topic: TOPIC,
    queueId: -1,
    maxMsgNums: 8,
    invisibleTime,
    pollTime: 500,
    bornTime: Date.now(),
    initMode: 0,
  });
  if (code !== ResponseCode.SUCCESS) return [];
  const starts = new Map(
    extFields.get("startOffsetInfo")!.split(";").map((item) => {
      const [flag, queueId, start] = item.split(" ");
      return [`${flag} ${queueId}`, start];
    }),
  );
  const [popTime, time, reviveQid] = ["popTime", "invisibleTime", "reviveQid"]
    .map((name) => extFields.get(name));
  return decodeMessages(body).map((message) => {
    const { queueId, queueOffset, properties } = message;
    const inside = findProperty(properties, "POP_CK");
    const place = `broker-a ${queueId} ${queueOffset}`;
    return {
      body: decodeUtf8(message.body, 0, message.body.length),
      queueId,
      queueOffset,
      realTopic: inside === undefined ? TOPIC : `%RETRY%${GROUP}_${TOPIC}`,
      handle: inside ??
        `${starts.get(`0 ${queueId}`)} ${popTime} ${time} ${reviveQid} 0 ${place}`,
    };
  });
}

async function ack(client: TestClient, given: Given): Promise<number> {
  return (await client.invoke(ACK_MESSAGE, headerOf(given))).code;
}

async function hide(client: TestClient, given: Given): Promise<number> {
  const header = { ...headerOf(given), invisibleTime: INVISIBLE_MILLIS };
  return (await client.invoke(CHANGE_MESSAGE_INVISIBLETIME, header)).code;
}

function headerOf({ realTopic, queueId, queueOffset, handle }: Given) {
  return {
    consumerGroup: GROUP,
    topic: realTopic,
    queueId,
    extraInfo: handle,
    offset: queueOffset,
  };
}

async function batchAck(client: TestClient, batch: readonly Given[]): Promise<number> {
  const acks = batch.map(({ handle, queueOffset }) => {
    const [so, pt, it, rq, r, , q] = handle.split(" ");
    const distance = queueOffset - Number(so);
    const bytes = new Uint8Array((distance >> 3) + 1);
    bytes[distance >> 3]! |= 1 << (distance & 7);
    const b = btoa(String.fromCharCode(...bytes));
    const numbers = {
      so: Number(so),
      q: Number(q),
      rq: Number(rq),
      pt: Number(pt),
      it: Number(it),
    };
    return { c: GROUP, t: TOPIC, r, ...numbers, b };
  });
  const body = encodeUtf8(JSON.stringify({ brokerName: "broker-a", acks }));
  return (await client.invoke(BATCH_ACK_MESSAGE, {}, body)).code;
}
