/** `comet admin`: how long sends take. */

import type { Publisher } from "../../client/admin/publish.ts";
import { mapLimited } from "../../client/admin/fan_out.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { integer, required, text } from "./admin_flags.ts";
import { type AdminOutput, partsOutput, recordOutput, tableOutput } from "./admin_output.ts";
import { publisherOf } from "./message_commands.ts";
import { INTERVAL_FLAG, repeated } from "./repeated.ts";

const area = "Messages";
const size = integer("s", "BYTES", "how large the messages are (128)");
const amount = integer("a", "COUNT", "how many messages (100)", 1);

export const SEND_COMMANDS = {
  checkMsgSendRT: adminCommand({
    area,
    help: "send messages to a topic and show how long each took",
    flags: { topic: required(text("t", "TOPIC", "the topic's name")), amount, size },
    run: (context, { topic, amount = 100, size = 128 }) =>
      sendTimes(context, { topic, amount, size }),
  }),
  sendMsgStatus: adminCommand({
    area,
    help: "send messages to the topic that a broker has for itself and show how long each took",
    flags: {
      brokerName: required(text("b", "BROKER", "the broker's name")),
      messageSize: size,
      count: integer("c", "COUNT", "how many messages (50)", 1),
    },
    run: (context, { brokerName, messageSize = 128, count = 50 }) =>
      sendTimes(context, { topic: brokerName, amount: count, size: messageSize }),
  }),
  clusterRT: adminCommand({
    area,
    help: "send messages to each broker and show how long they took",
    flags: {
      amount,
      size,
      cluster: text("c", "CLUSTER", "only the brokers of this cluster"),
      interval: INTERVAL_FLAG,
    },
    run(context, { amount = 100, size = 128, cluster, interval }) {
      return repeated(context, interval, () => brokerTimes(context, { amount, size, cluster }));
    },
  }),
};

/** One send. */
interface Sent {
  readonly brokerName: string;
  readonly queueId?: number;
  readonly sendStatus: string;
  /** How long it took; milliseconds. */
  readonly rt: number;
}

interface Sends {
  readonly topic: string;
  readonly amount: number;
  readonly size: number;
}

async function sendTimes(context: AdminContext, sends: Sends): Promise<AdminOutput> {
  const sent = await sendAll(context, sends);
  return partsOutput({
    sends: tableOutput(sent, {
      Broker: (row) => row.brokerName,
      Queue: (row) => row.queueId,
      Result: (row) => row.sendStatus,
      "RT ms": (row) => row.rt,
    }),
    average: recordOutput({ "Average RT ms": average(sent) }),
  });
}

/** One message after the other; the first, for which connections are made, does not count. */
async function sendAll(context: AdminContext, { topic, amount, size }: Sends): Promise<Sent[]> {
  const publisher = publisherOf(context);
  const body = new Uint8Array(size).fill("a".charCodeAt(0));
  await publisher.publish({ topic, body }, context.now());
  const sent: Sent[] = [];
  for (let n = 0; n < amount; n++) sent.push(await sendOne(publisher, topic, body, context.now()));
  return sent;
}

async function sendOne(
  publisher: Publisher,
  topic: string,
  body: Uint8Array,
  now: number,
): Promise<Sent> {
  const started = performance.now();
  const rt = () => Math.round((performance.now() - started) * 100) / 100;
  try {
    const { brokerName, queueId, sendStatus } = await publisher.publish({ topic, body }, now);
    return { brokerName, queueId, sendStatus, rt: rt() };
  } catch (error) {
    return { brokerName: topic, sendStatus: (error as Error).message, rt: rt() };
  }
}

function average(sent: readonly Sent[]): number {
  const sum = sent.reduce((total, { rt }) => total + rt, 0);
  return Math.round((sum / sent.length) * 100) / 100;
}

async function brokerTimes(
  context: AdminContext,
  { amount, size, cluster }: Omit<Sends, "topic"> & { cluster: string | undefined },
): Promise<AdminOutput> {
  const masters = await context.admin.masters(cluster);
  // One broker after the other, so that none makes another one slow.
  const rows = await mapLimited(masters, 1, async ({ clusterName, brokerName }) => {
    const sent = await sendAll(context, { topic: brokerName, amount, size });
    const successCount = sent.filter(({ sendStatus }) => sendStatus === "SEND_OK").length;
    const failCount = amount - successCount;
    return { clusterName, brokerName, rt: average(sent), successCount, failCount };
  });
  return tableOutput(rows, {
    Cluster: (row) => row.clusterName,
    Broker: (row) => row.brokerName,
    "RT ms": (row) => row.rt,
    Sent: (row) => row.successCount,
    Failed: (row) => row.failCount,
  });
}
