/**
 * A data folder with open transactions goes from server to server. Each one finds those that the one before has left
 * open, asks about them, and delivers what is committed; nothing that has ended comes a second time.
 */

import { assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { GET_MAX_OFFSET } from "../../client/protocol/commands/query.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { TestClient } from "../helpers/comet.ts";
import {
  COMMIT,
  type HalfPlace,
  ROLLBACK,
  TransactionProducer,
} from "../helpers/transaction_producer.ts";
import { startApacheNamesrv } from "./apache_server.ts";
import { type Journey, type Move, moveNames, START } from "./folder_journey.ts";

const TOPIC = "Travelled";
const LIMIT_MILLIS = 60_000;
const POLL_MILLIS = 100;

export const TRANSACTION_JOURNEYS: readonly Journey[] = [
  {
    name: "open transactions",
    // Apache's broker asks again only after it has written down what has ended, for which it takes three seconds.
    settings: {
      transactionTimeOut: 1_000,
      transactionCheckInterval: 5_000,
      transactionCheckMax: 1_000,
      // With these Apache's broker checks the checksum of each message, ours too, when it opens the folder.
      enabledAppendPropCRC: true,
      forceVerifyPropCRC: true,
    },
    stops: [
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "kill" },
      { server: "Comet", end: "kill" },
      { server: "Comet", end: "kill" },
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
    ],
  },
];

/** What a transaction will have come to; those that are "late" end two stops later. */
type Plan = "commit" | "rollback" | "late commit" | "late rollback";

interface TransactionState {
  /** By the message's body. */
  plans: Map<string, { plan: Plan; stop: number; half: HalfPlace }>;
  committed: Set<string>;
  rolledBack: Set<string>;
}

/** Goes the whole way; gives each move as it is done. */
export async function* travelTransactions(journey: Journey, folder: string): AsyncGenerator<Move> {
  await using namesrv = await startApacheNamesrv(`${folder}/namesrv`);
  const state: TransactionState = {
    plans: new Map(),
    committed: new Set(),
    rolledBack: new Set(),
  };
  for (const [index, { server, end }] of journey.stops.entries()) {
    const started = performance.now();
    await using running = await START[server]({
      data: `${folder}/store`,
      home: `${folder}/${index}-${server}`,
      namesrv: namesrv.address,
      settings: journey.settings,
    });
    const failures: string[] = [];
    const before = journey.stops[index - 1]?.server;
    await endOld(running.port, state, { index, before }, failures);
    await beginNew(running.port, state, index);
    await running[end]();
    const seconds = (performance.now() - started) / 1000;
    if (index > 0) yield { name: moveNames(journey)[index - 1]!, seconds, failures };
  }
}

function isDue({ plan, stop }: { plan: Plan; stop: number }, index: number): boolean {
  return index - stop >= (plan.startsWith("late") ? 2 : 1);
}

/**
 * Answers what the server asks about, until all that should end here has ended.
 * @param before Apache's broker may stop before it has written down that something was rolled back.
 */
async function endOld(
  port: number,
  { plans, committed, rolledBack }: TransactionState,
  { index, before }: { index: number; before: string | undefined },
  failures: string[],
): Promise<void> {
  const due = [...plans].filter(([, row]) => isDue(row, index));
  const answered = new Set<string>();
  await using producer = new TransactionProducer(port, TOPIC, (text) => {
    const row = plans.get(text);
    const mayAsk = rolledBack.has(text) && before === "Apache";
    if (mayAsk) return ROLLBACK;
    if (committed.has(text) || rolledBack.has(text)) failures.push(`asked about ${text} again`);
    if (row === undefined || !isDue(row, index)) return undefined;
    answered.add(text);
    return row.plan.endsWith("commit") ? COMMIT : ROLLBACK;
  });
  await producer.join();
  await until(
    () => due.every(([text]) => answered.has(text)),
    failures,
    () => `not asked about ${due.map(([text]) => text).filter((text) => !answered.has(text))}`,
  );
  await using client = new TestClient(port);
  const expected = due.filter(([, { plan }]) => plan.endsWith("commit")).map(([text]) => text);
  for (const [text] of due) {
    plans.delete(text);
    (expected.includes(text) ? committed : rolledBack).add(text);
  }
  await until(
    async () => (await delivered(client)).length >= committed.size,
    failures,
    () => "not all that is committed is delivered",
  );
  assertEquals((await delivered(client)).sort(), [...committed].sort());
  // Those that stay open have been asked about as well, and their half messages have new records.
  const late = [...plans.keys()];
  await until(
    () => late.every((text) => producer.asked.includes(text)),
    failures,
    () => `not asked about the late ones of ${late}`,
  );
}

/** Ends some transactions at once, and leaves others to the servers that come. */
async function beginNew(
  port: number,
  { plans, committed, rolledBack }: TransactionState,
  index: number,
): Promise<void> {
  await using producer = new TransactionProducer(port, TOPIC);
  for (const plan of ["commit", "rollback", "late commit", "late rollback"] as const) {
    for (let number = 0; number < 3; number++) {
      const text = `${index} ${plan} ${number}`;
      plans.set(text, { plan, stop: index, half: await producer.sendHalf(text) });
    }
    const text = `${index} ${plan} at once`;
    const half = await producer.sendHalf(text);
    const isCommit = plan.endsWith("commit");
    await producer.end(half, isCommit ? COMMIT : ROLLBACK);
    (isCommit ? committed : rolledBack).add(text);
  }
  await using client = new TestClient(port);
  await until(async () => (await delivered(client)).length >= committed.size, [], () => "");
}

/** The bodies of all that consumers can get. */
async function delivered(client: TestClient): Promise<string[]> {
  const { extFields } = await client.invoke(GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 });
  const end = Number(extFields.get("offset") ?? 0);
  const texts: string[] = [];
  while (texts.length < end) {
    const answer = await client.pull(TOPIC, { queueOffset: texts.length });
    assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
    for (const { body } of decodeMessages(answer.body)) {
      texts.push(decodeUtf8(body, 0, body.length));
    }
  }
  return texts;
}

async function until(
  condition: () => boolean | Promise<boolean>,
  failures: string[],
  reason: () => string,
): Promise<void> {
  for (const deadline = Date.now() + LIMIT_MILLIS; !await condition();) {
    if (Date.now() > deadline) return void failures.push(reason());
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
}
