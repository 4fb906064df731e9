/**
 * A data folder with light queues (LMQ) goes from server to server. Each one has in every light queue, in order, what all
 * before have put there, and knows how far a group has come.
 */

import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import {
  QUERY_CONSUMER_OFFSET,
  UPDATE_CONSUMER_OFFSET,
} from "../../client/protocol/commands/offset.ts";
import { printProperties } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { TestClient } from "../helpers/comet.ts";
import { startApacheNamesrv } from "./apache_server.ts";
import { type Journey, type Move, moveNames, START } from "./folder_journey.ts";

const PARENT = "LightParent";
const NAMES = ["%LMQ%a", "%LMQ%b", "%LMQ%c"];
/** The second one is that which pulls. */
const GROUPS = ["%LMQ%group", "g"];
const COUNT = 30;
/** Consumer offsets are written every five seconds, by Apache's broker from ten seconds after its start on. */
const OFFSETS_MILLIS = 12_000;
const LIMIT_MILLIS = 30_000;
const POLL_MILLIS = 100;

export const LIGHT_QUEUE_JOURNEYS: readonly Journey[] = [
  {
    name: "light queues",
    settings: { enableLmq: true, enableMultiDispatch: true },
    stops: [
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "kill" },
      { server: "Apache", end: "kill" },
      { server: "Comet", end: "stop" },
    ],
  },
];

/** Goes the whole way; gives each move as it is done. */
export async function* travelLightQueues(journey: Journey, folder: string): AsyncGenerator<Move> {
  await using namesrv = await startApacheNamesrv(`${folder}/namesrv`);
  const expected = new Map<string, string[]>();
  for (const [stop, { server, end }] of journey.stops.entries()) {
    const started = performance.now();
    await using running = await START[server]({
      data: `${folder}/store`,
      home: `${folder}/${stop}-${server}`,
      namesrv: namesrv.address,
      settings: journey.settings,
    });
    await using client = new TestClient(running.port);
    const failures = stop === 0 ? [] : await check(client, expected, stop);
    await send(client, expected, stop);
    failures.push(...await check(client, expected));
    await commit(client, stop + 1);
    if (end === "kill") await new Promise((resolve) => setTimeout(resolve, OFFSETS_MILLIS));
    await running[end]();
    const seconds = (performance.now() - started) / 1000;
    if (stop > 0) yield { name: moveNames(journey)[stop - 1]!, seconds, failures };
  }
}

/** Messages of which the n-th goes to every light queue whose number divides n. */
async function send(
  client: TestClient,
  expected: Map<string, string[]>,
  stop: number,
): Promise<void> {
  for (let n = 0; n < COUNT; n++) {
    const names = NAMES.filter((_, index) => n % (index + 1) === 0);
    const body = `${stop}-${n}`;
    const properties = printProperties([["INNER_MULTI_DISPATCH", names.join()]]);
    const answer = await client.send(PARENT, encodeUtf8(body), { properties });
    if (answer.code !== ResponseCode.SUCCESS) throw new Error(`send: ${answer.remark}`);
    for (const name of [PARENT, ...names]) {
      expected.set(name, [...expected.get(name) ?? [], body]);
    }
  }
}

async function commit(client: TestClient, commitOffset: number): Promise<void> {
  for (const consumerGroup of GROUPS) {
    const header = { consumerGroup, topic: NAMES[0]!, queueId: 0, commitOffset };
    const answer = await client.invoke(UPDATE_CONSUMER_OFFSET, header);
    if (answer.code !== ResponseCode.SUCCESS) throw new Error(`commit: ${answer.remark}`);
  }
}

/** What is wrong with the queues, and with the offsets when there should be some. */
async function check(
  client: TestClient,
  expected: ReadonlyMap<string, string[]>,
  offset?: number,
): Promise<string[]> {
  const failures: string[] = [];
  for (const [topic, bodies] of expected) {
    const deadline = Date.now() + LIMIT_MILLIS;
    let found = await bodiesOf(client, topic);
    while (found.length < bodies.length && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
      found = await bodiesOf(client, topic);
    }
    if (found.join() !== bodies.join()) failures.push(`${topic} has ${found}, not ${bodies}`);
  }
  for (const consumerGroup of offset === undefined ? [] : GROUPS) {
    const header = { consumerGroup, topic: NAMES[0]!, queueId: 0 };
    const { extFields, remark } = await client.invoke(QUERY_CONSUMER_OFFSET, header);
    const committed = extFields.get("offset");
    if (committed === String(offset)) continue;
    failures.push(`${consumerGroup} is at ${committed ?? remark}, not ${offset}`);
  }
  return failures;
}

async function bodiesOf(client: TestClient, topic: string): Promise<string[]> {
  const bodies: string[] = [];
  for (let queueOffset = 0;;) {
    const response = await client.pull(topic, { queueOffset });
    if (response.code !== ResponseCode.SUCCESS) return bodies;
    for (const { body } of decodeMessages(response.body)) {
      bodies.push(decodeUtf8(body, 0, body.length));
    }
    queueOffset = Number(response.extFields.get("nextBeginOffset"));
  }
}
