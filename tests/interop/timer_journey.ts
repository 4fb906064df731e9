/**
 * A data folder with timer messages that wait goes from server to server. Each one delivers, once, what the one before
 * has left waiting, and nothing that was taken back.
 */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { RECALL_MESSAGE } from "../../client/protocol/commands/send.ts";
import { findProperty, printProperties } from "../../client/protocol/message.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { TestClient } from "../helpers/comet.ts";
import { startApacheNamesrv } from "./apache_server.ts";
import { type Journey, type Move, moveNames, START } from "./folder_journey.ts";

const TOPIC = "Timed";
const DAY_MILLIS = 86_400_000;
const SOON_MILLIS = 1_500;
/** Longer than it takes to stop one server and to start the next. */
const LATER_MILLIS = 30_000;
/** In this time after its start Apache's broker has read what a kill makes it read again. */
const REREAD_MILLIS = 5_000;
const COUNT = 12;
const LIMIT_MILLIS = 60_000;
const POLL_MILLIS = 200;

export const TIMER_JOURNEYS: readonly Journey[] = [
  {
    name: "timer messages",
    // With so few slots, messages that are due later have to be stored anew on the way.
    settings: { recallMessageEnable: true, timerRollWindowSlot: 20 },
    stops: [
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "kill" },
      { server: "Comet", end: "kill" },
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
    ],
  },
];

interface Sent {
  due: number;
  /** Of the stop before whose end it was sent. */
  stop: number;
  isRecalled: boolean;
  /** It was recalled, and may have come nevertheless. */
  mayCome: boolean;
}

/** Goes the whole way; gives each move as it is done. */
export async function* travelTimers(journey: Journey, folder: string): AsyncGenerator<Move> {
  await using namesrv = await startApacheNamesrv(`${folder}/namesrv`);
  const sent = new Map<string, Sent>();
  let wasKilled = false;
  for (const [stop, { server, end }] of journey.stops.entries()) {
    const started = performance.now();
    await using running = await START[server]({
      data: `${folder}/store`,
      home: `${folder}/${stop}-${server}`,
      namesrv: namesrv.address,
      settings: journey.settings,
    });
    await using client = new TestClient(running.port);
    const isAfterKill = journey.stops[stop - 1]?.end === "kill";
    if (server === "Apache" && isAfterKill) excuseRecalled(sent, Date.now() + REREAD_MILLIS);
    await send(client, sent, stop);
    // What this one has sent for later is left to the next, unless there is none.
    const isLast = stop === journey.stops.length - 1;
    const awaited = [...sent].filter(([, { due, stop: of }]) =>
      due - Date.now() < 2 * LATER_MILLIS && (of < stop || due - Date.now() < SOON_MILLIS || isLast)
    );
    const failures = await checkDelivered(client, sent, awaited.map(([key]) => key), wasKilled);
    wasKilled ||= end === "kill";
    await running[end]();
    const seconds = (performance.now() - started) / 1000;
    if (stop > 0) yield { name: moveNames(journey)[stop - 1]!, seconds, failures };
  }
}

/**
 * After a kill Apache's broker reads the timer topic from the oldest message on that waits. What is due by then it delivers
 * as it comes to it, if it delivers by then: before it comes to what takes it back.
 */
function excuseRecalled(sent: ReadonlyMap<string, Sent>, time: number): void {
  for (const message of sent.values()) message.mayCome ||= message.isRecalled && message.due < time;
}

/** Messages for now, for the next server, and for much later; of the last two kinds some are taken back. */
async function send(client: TestClient, sent: Map<string, Sent>, stop: number): Promise<void> {
  const delays = [
    ...Array.from({ length: COUNT }, (_, n) => SOON_MILLIS + n * 50),
    ...Array.from({ length: COUNT }, (_, n) => LATER_MILLIS + n * 111),
    2.5 * DAY_MILLIS,
    2.6 * DAY_MILLIS,
  ];
  for (const [n, delay] of delays.entries()) {
    const key = `${stop}-${n}`;
    const due = Date.now() + delay;
    const time: [string, string] = n % 2 === 0
      ? ["TIMER_DELIVER_MS", String(due)]
      : ["TIMER_DELAY_MS", String(delay)];
    const properties = printProperties([["UNIQ_KEY", key], time]);
    const answer = await client.send(TOPIC, encodeUtf8(key), { properties });
    if (answer.code !== ResponseCode.SUCCESS) throw new Error(`send: ${answer.remark}`);
    const isRecalled = n >= COUNT && n % 5 === 0;
    sent.set(key, { due, stop, isRecalled, mayCome: false });
    if (!isRecalled) continue;
    const recallHandle = answer.extFields.get("recallHandle")!;
    const header = { producerGroup: "p", topic: TOPIC, recallHandle };
    const recalled = await client.invoke(RECALL_MESSAGE, header);
    if (recalled.code !== ResponseCode.SUCCESS) throw new Error(`recall: ${recalled.remark}`);
  }
}

/** Waits for messages; tells what is wrong with all that has come. */
async function checkDelivered(
  client: TestClient,
  sent: ReadonlyMap<string, Sent>,
  awaited: readonly string[],
  mayRepeat: boolean,
): Promise<string[]> {
  const deadline = Date.now() + LIMIT_MILLIS;
  const wanted = awaited.filter((key) => !sent.get(key)!.isRecalled);
  let delivered = await deliveries(client);
  while (wanted.some((key) => !delivered.has(key)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    delivered = await deliveries(client);
  }
  const failures = wanted.filter((key) => !delivered.has(key)).map((key) => `${key} does not come`);
  for (const [key, times] of delivered) {
    const { due, isRecalled, mayCome } = sent.get(key)!;
    if (times[0]! < due) failures.push(`${key} came ${due - times[0]!} ms early`);
    if (isRecalled && !mayCome) failures.push(`${key} came, though it was taken back`);
    if (times.length > 1 && !mayRepeat) failures.push(`${key} came ${times.length} times`);
  }
  return failures;
}

/** When each message was stored in its own topic. */
async function deliveries(client: TestClient): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (let queueOffset = 0;;) {
    const response = await client.pull(TOPIC, { queueOffset });
    if (response.code !== ResponseCode.SUCCESS) return found;
    for (const message of decodeMessages(response.body)) {
      const key = findProperty(message.properties, "UNIQ_KEY")!;
      found.set(key, [...found.get(key) ?? [], message.storeTimestamp]);
      queueOffset = message.queueOffset + 1;
    }
  }
}
