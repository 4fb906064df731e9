/** Whether a server has in a folder what was put there. */

import { QUERY_MESSAGE } from "../../client/protocol/commands/query.ts";
import { findProperty } from "../../client/protocol/message.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { mqadmin } from "./apache_server.ts";
import { type Answers, ask, differences, pullAll } from "./folder_questions.ts";
import { type Acknowledged, type Ledger, RETRY_TOPICS } from "./folder_workload.ts";

/** What is known of a folder between two servers. */
export interface FolderState {
  ledger: Ledger;
  /** What the last server answered before it ended. */
  answers: Answers;
  endedBy: "stop" | "kill";
  /** Whether any server was killed on the way; delayed messages may come twice then. */
  wasKilled: boolean;
}

const SETTLED_LIMIT_MILLIS = 30_000;
/** A delayed message may come so long after its time, or after the start of a server that was not there at its time. */
const LATE_MILLIS_MAX = 45_000;
const POLL_MILLIS = 100;
const COMPLAINTS_MAX = 3;
const OUTPUT_SHOWN = 1_000;

/** Asks a server that has just opened the folder what the last one was asked. */
export async function checkOpened(port: number, state: FolderState): Promise<string[]> {
  const before = new Map(state.answers);
  // Offsets are written every few seconds.
  if (state.endedBy === "kill") {
    for (const question of before.keys()) {
      if (question.startsWith("committed ")) before.delete(question);
    }
  }
  if (before.size === 0) throw new Error("The last server was asked nothing");
  const after = await ask(port);
  // After a crash Apache puts the last message that an index file knows into the index again.
  if (state.wasKilled) { for (const answers of [before, after]) forgetRepetitions(answers); }
  const { ledger } = state;
  const lost = ledger.acknowledged.filter((message) => !isThere(after, message));
  const failures = differences(before, after);
  if (lost.length > 0) {
    failures.push(
      `${lost.length} acknowledged messages are not there, the first ${lost[0]!.uniqKey}`,
    );
  }
  if (state.endedBy === "stop") {
    for (const [place, offset] of ledger.offsets) {
      const found = after.get(`committed ${place}`);
      if (found !== String(offset)) failures.push(`${place} committed ${offset}, found ${found}`);
    }
  }
  return failures;
}

function forgetRepetitions(answers: Answers): void {
  for (const [question, answer] of answers) {
    if (question.startsWith("key ")) {
      answers.set(question, [...new Set(answer.split(","))].join());
    }
  }
}

function isThere(answers: Answers, message: Acknowledged): boolean {
  const { topic, queueId, queueOffset, offsetMsgId, body } = message;
  const found = answers.get(`message ${topic} ${queueId} ${queueOffset}`);
  if (found === undefined) return false;
  const stored = JSON.parse(found);
  return stored.offsetMsgId === offsetMsgId && stored.body === body;
}

/**
 * Waits until all that was acknowledged can be consumed and found by its key, and until what was given back and what has
 * become due since the last server is delivered. Tells what was delivered at a wrong time or twice.
 */
export async function checkSettled(
  port: number,
  { ledger, wasKilled }: FolderState,
  startedTimestamp: number,
): Promise<string[]> {
  await using client = new TestClient(port);
  await until(
    "all messages are in their queues and in the index",
    () => isDispatched(client, ledger),
  );
  const { givenBack } = ledger;
  await until("what was given back has come again", async () => {
    const counts = await Promise.all(
      RETRY_TOPICS.map(async (topic) => (await pullAll(client, topic, 0)).length),
    );
    return counts.every((count) => count >= givenBack);
  });
  // What waits from the visit before this one; what this one has sent itself is left to the next.
  const ownDue = ledger.waiting.at(-2)!.dueTimestamp;
  const due = ledger.waiting.filter(({ dueTimestamp }) => dueTimestamp < ownDue);
  let delivered = await deliveries(client);
  await until("what is due has been delivered", async () => {
    delivered = await deliveries(client);
    return due.every(({ uniqKey }) => delivered.has(uniqKey));
  });
  return ledger.waiting.flatMap(({ uniqKey, dueTimestamp }) => {
    const [first, ...again] = delivered.get(uniqKey) ?? [];
    if (first === undefined) return [];
    const failures: string[] = [];
    if (first < dueTimestamp) failures.push(`${uniqKey} came ${dueTimestamp - first} ms early`);
    if (!wasKilled && again.length > 0) failures.push(`${uniqKey} came ${again.length + 1} times`);
    const late = first - Math.max(dueTimestamp, startedTimestamp);
    // What came on an earlier visit was looked at then.
    if (first > startedTimestamp && late > LATE_MILLIS_MAX) {
      failures.push(`${uniqKey} came ${late} ms late`);
    }
    return failures;
  });
}

/** Apache puts messages into queues and index some time after it has acknowledged them, in their order. */
async function isDispatched(client: TestClient, { acknowledged }: Ledger): Promise<boolean> {
  const { topic, uniqKey } = acknowledged.at(-1)!;
  const found = await client.invoke(QUERY_MESSAGE, {
    topic,
    key: uniqKey,
    maxNum: 1,
    beginTimestamp: 0,
    endTimestamp: Date.now() + 60_000,
    _UNIQUE_KEY_QUERY: true,
  });
  return found.code === ResponseCode.SUCCESS;
}

/** When each delayed message was stored in its own topic, by unique key. */
async function deliveries(client: TestClient): Promise<Map<string, number[]>> {
  const delivered = new Map<string, number[]>();
  for (const { properties, storeTimestamp } of await pullAll(client, "Delayed", 0)) {
    const uniqKey = findProperty(properties, "UNIQ_KEY")!;
    delivered.set(uniqKey, [...delivered.get(uniqKey) ?? [], storeTimestamp]);
  }
  return delivered;
}

/** Lets Apache's own tool pull a topic, by which Java's client reads records that Comet has written. */
export async function checkByMqadmin(
  namesrv: string,
  home: string,
  { acknowledged }: Ledger,
): Promise<string[]> {
  const topic = "Orders";
  const printed = await mqadmin(home, ["printMsg", "-n", namesrv, "-t", topic]);
  return acknowledged.flatMap((message) => {
    const { uniqKey, offsetMsgId, body } = message;
    if (message.topic !== topic) return [];
    const line = printed.split("\n").find((line) => line.startsWith(`MSGID: ${uniqKey} `));
    const isRight = line?.includes(`msgId=${offsetMsgId}`) && line.endsWith(`BODY: ${body}`);
    const found = line ?? `nothing, but in the end ${printed.slice(-OUTPUT_SHOWN)}`;
    return isRight ? [] : [`mqadmin prints for ${uniqKey} ${found}`];
  }).slice(0, COMPLAINTS_MAX);
}

/** Whether Comet leaves a folder alone that Apache's broker has. */
export async function checkLocked(data: string): Promise<string[]> {
  try {
    await using _comet = await startComet(data);
    return ["Comet opened the folder while Apache had it"];
  } catch (error) {
    return String(error).includes("is in use by another process") ? [] : [String(error)];
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + SETTLED_LIMIT_MILLIS;
  while (!await holds()) {
    if (Date.now() > deadline) throw new Error(`${SETTLED_LIMIT_MILLIS} ms passed until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
}

/** What Apache's store log says of every folder, its own too. */
const USUAL_COMPLAINTS: readonly RegExp[] = [
  /Load default HA Service/,
  // The end of the log; the number is that of empty bytes.
  /found a illegal magic code 0x0$/,
  /maxPhyOffsetOfConsumeQueue\((\d+)\) >= processOffset\(\1\), truncate dirty logic files/,
  /Unknown boundary type/,
  /Index file \[.*\] is full, trying to create another one/,
  // The machine is slow.
  /CommitLog#putMessage cost \d+ms/,
  // At its end.
  /interrupted, .*possibly by shutdown|interrupted, this may caused by shutdown/,
  /message store has shutdown, so getMessage is forbidden/,
];
/** After a crash it reads more than its queues miss, and complains of each message that they have. */
const USUAL_AFTER_CRASH = /Maybe try to build consume queue repeatedly/;

/** Lines of Apache's store log that tell of something wrong with the folder that it has opened. */
export async function logComplaints(
  logFolder: string,
  endedBy: FolderState["endedBy"],
): Promise<string[]> {
  const usual = endedBy === "kill" ? [...USUAL_COMPLAINTS, USUAL_AFTER_CRASH] : USUAL_COMPLAINTS;
  const text = await Deno.readTextFile(`${logFolder}/store.log`);
  return text.split("\n").filter((line) =>
    /^\S+ \S+ (WARN|ERROR) /.test(line) && !usual.some((known) => known.test(line))
  ).slice(0, COMPLAINTS_MAX);
}
