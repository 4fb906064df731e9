/** `comet bench`: a small load on any RocketMQ, Comet's or Apache's, and what it measures. */

import { SystemTopic } from "../../client/protocol/names.ts";
import { AdminClient } from "../../client/admin/admin_client.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import { RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import type { TopicRouteData } from "../../client/protocol/route_data.ts";
import { type ReadFlags, UsageError } from "../flags.ts";
import { addressList } from "../setting.ts";
import { type LoadOptions, loadQueues, pullAll, sendAll } from "./bench/load.ts";
import type { PhaseResult } from "./bench/measure.ts";
import {
  HELP_FLAG,
  JSON_FLAG,
  print,
  printJson,
  readToolFlags,
  refuseWords,
} from "./tool_flags.ts";
import type { ToolDescription } from "./tool_flags.ts";
import type { ToolContext } from "./tools.ts";

const DEFAULTS = {
  messages: 100_000,
  size: 1024,
  senders: 64,
  connections: 4,
  queues: 8,
} as const;

export const BENCH_TOOL: ToolDescription = {
  name: "bench",
  words: "",
  summary: "Sends messages to a RocketMQ and pulls them back; tells rates and latencies.",
  flags: {
    namesrv: { letter: "n", value: "ADDR[;ADDR]", help: "its name servers (127.0.0.1:9876)" },
    topic: { value: "TOPIC", help: "the topic, made when there is none (CometBench)" },
    messages: { value: "N", help: `how many messages (${DEFAULTS.messages})` },
    size: { value: "BYTES", help: `the size of each body (${DEFAULTS.size})` },
    senders: { value: "N", help: `how many send at the same time (${DEFAULTS.senders})` },
    connections: { value: "N", help: `connections to each broker (${DEFAULTS.connections})` },
    queues: { value: "N", help: `queues of a new topic on each broker (${DEFAULTS.queues})` },
    "send-only": { help: "do not pull them back" },
    ...JSON_FLAG,
    ...HELP_FLAG,
  },
  notes:
    `Every sender waits for its answer before it sends again. The messages stay in the topic until they
expire or the topic is deleted. Exit code: 0 all went well, 1 something failed, 2 cannot be run as asked.`,
};

const ROUTE_MILLIS = 10_000;
const ROUTE_POLL_MILLIS = 100;
const GROUP = "CometBench";

/** Runs the load and prints the figures. */
export async function runBench({ args }: ToolContext): Promise<number> {
  const read = readToolFlags(BENCH_TOOL, args);
  if (read === undefined) return 0;
  const { values, words } = read;
  refuseWords(words, BENCH_TOOL);
  const topic = values["topic"] as string | undefined ?? "CometBench";
  const counts = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, fallback]) => [name, numberOf(values, name, fallback)]),
  ) as Record<keyof typeof DEFAULTS, number>;
  await using admin = new AdminClient({ nameServers: nameServersOf(values) });
  const queues = loadQueues(await routeOf(admin, topic, counts.queues));
  if (queues.length === 0) throw new Error(`no queue of topic ${topic} can be written`);
  const body = new Uint8Array(counts.size).fill(0x61);
  const options: LoadOptions = { ...counts, topic, group: GROUP, queues, body };
  const isJson = values["json"] === true;
  if (!isJson) print(introduction(options));
  const { result: send, sent } = await sendAll(options);
  if (!isJson) print(phaseText("send", send));
  const pull = values["send-only"] === true ? undefined : await pullAll(options, sent);
  if (pull !== undefined && !isJson) print(phaseText("pull", pull));
  if (isJson) printJson({ topic, ...counts, queues: queues.length, send, pull });
  return send.failed + (pull?.failed ?? 0) === 0 ? 0 : 1;
}

function numberOf(values: ReadFlags["values"], name: string, fallback: number): number {
  const text = values[name] as string | undefined;
  if (text === undefined) return fallback;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number >= 1) return number;
  throw new UsageError(
    `--${name} is ${JSON.stringify(text)}; expected a whole number of at least 1`,
  );
}

function nameServersOf(values: ReadFlags["values"]): string[] {
  const text = values["namesrv"] as string | undefined ?? "127.0.0.1:9876";
  const { parse, expected } = addressList("", "");
  const addresses = parse(text);
  if (!addresses) {
    throw new UsageError(`--namesrv is ${JSON.stringify(text)}; expected ${expected}`);
  }
  return addresses.split(";");
}

/** The topic's route; makes the topic on every master when there is none. */
async function routeOf(
  admin: AdminClient,
  topic: string,
  queueNums: number,
): Promise<TopicRouteData> {
  const found = await findRoute(admin, topic);
  if (found !== undefined) return found;
  const masters = await admin.masters();
  if (masters.length === 0) throw new Error("the name server knows no broker yet");
  for (const { brokerAddr } of masters) {
    await admin.invoke(brokerAddr, UPDATE_AND_CREATE_TOPIC, {
      topic,
      defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
      readQueueNums: queueNums,
      writeQueueNums: queueNums,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
    });
  }
  // Apache's brokers tell their name servers a moment later.
  for (const deadline = Date.now() + ROUTE_MILLIS; Date.now() < deadline;) {
    const route = await findRoute(admin, topic);
    if (route !== undefined && route.queueDatas.length >= masters.length) return route;
    await new Promise((resolve) => setTimeout(resolve, ROUTE_POLL_MILLIS));
  }
  throw new Error(`topic ${topic} was made, but no name server knows it after ${ROUTE_MILLIS} ms`);
}

async function findRoute(admin: AdminClient, topic: string): Promise<TopicRouteData | undefined> {
  try {
    return await admin.route(topic);
  } catch (error) {
    const isUnknown = error instanceof RemotingError && error.code === ResponseCode.TOPIC_NOT_EXIST;
    if (isUnknown) return undefined;
    throw error;
  }
}

function introduction({ topic, queues, messages, body, senders }: LoadOptions): string {
  const brokers = new Set(queues.map(({ brokerName }) => brokerName)).size;
  return `topic ${topic}: ${queues.length} queues on ${brokers} broker${brokers > 1 ? "s" : ""}; ` +
    `${messages} messages of ${body.length} bytes, ${senders} senders\n`;
}

/** A line of figures. */
export function phaseText(name: string, result: PhaseResult): string {
  const { messagesPerSecond, bytes, seconds, latencyMillis, failed, failure } = result;
  const { median, p99, p999, max } = latencyMillis;
  const megabytes = bytes / 1e6 / Math.max(seconds, 1e-9);
  const times = [
    `median ${median.toFixed(2)}`,
    `99 % ${p99.toFixed(2)}`,
    `99.9 % ${p999.toFixed(2)}`,
  ];
  const trouble = failed === 0 ? "" : `\n      ${failed} failed: ${failure}`;
  return `${name}  ${Math.round(messagesPerSecond)} msg/s, ${megabytes.toFixed(1)} MB/s; ms: ` +
    `${times.join(", ")}, at most ${max.toFixed(2)}${trouble}\n`;
}
