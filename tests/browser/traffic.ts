/** Topics, groups and messages as a shop might have them, with consumers that are there. */

import type { Comet } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";
import { call } from "./api.ts";
import { Consumer, type ConsumerOptions } from "./consumer.ts";

export interface Traffic extends AsyncDisposable {
  /** Resolves once what should be consumed is, and the dead letter is there. */
  settled(): Promise<void>;
}

const TOPICS = {
  Orders: "NORMAL",
  Payments: "TRANSACTION",
  Shipments: "FIFO",
  Reminders: "DELAY",
  Audit: "NORMAL",
} as const;
const QUEUE_NUMS = 4;
const TAGS = ["created", "paid", "shipped"] as const;
const REGIONS = ["eu", "us", "cn"] as const;
const HOUR_MILLIS = 3_600_000;

/** Sends so many orders, and some other messages; some order cannot be consumed by the group billing. */
export async function startTraffic(comet: Comet, orderCount: number): Promise<Traffic> {
  const { httpPort, brokerPort } = comet;
  for (const [topic, messageType] of Object.entries(TOPICS)) {
    const nums = { readQueueNums: QUEUE_NUMS, writeQueueNums: QUEUE_NUMS };
    await call(httpPort, "topics", { topic, messageType, ...nums });
  }
  for (const group of ["billing", "warehouse", "analytics", "mailer"]) {
    await call(httpPort, "groups", { group });
  }
  await using stack = new AsyncDisposableStack();
  let consumed = 0;
  const consumer = (group: string, consume: ConsumerOptions["consume"]) =>
    stack.use(
      new Consumer({
        brokerPort,
        group,
        topics: { Orders: QUEUE_NUMS },
        clientId: `10.0.4.17@3121#${group}`,
        maxReconsumeTimes: 0,
        consume,
      }),
    );
  const members = [
    consumer("billing", ({ body }) => {
      consumed++;
      return !new TextDecoder().decode(body).includes('"order-7"');
    }),
    consumer("analytics", () => true),
    consumer("warehouse", async () => {
      await new Promise((resolve) => setTimeout(resolve, 400));
      return true;
    }),
  ];
  for (const member of members) await member.start();
  for (let at = 0; at < orderCount; at++) await call(httpPort, "messages", order(at));
  await sendOthers(httpPort);
  const parts = stack.move();
  return {
    settled: () =>
      eventually("orders are consumed, one is a dead letter", async () => {
        const { total } = await call(httpPort, "topics?type=dlq");
        return consumed >= orderCount && (orderCount <= 7 || total === 1);
      }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function order(at: number) {
  const orderId = `order-${at}`;
  const customer = `customer-${at * 7 % 50}`;
  return {
    topic: "Orders",
    tag: TAGS[at % TAGS.length],
    keys: [orderId, customer],
    properties: { region: REGIONS[at % REGIONS.length], price: String(at * 37 % 900) },
    body: JSON.stringify({
      orderId,
      customer,
      items: [{ sku: `sku-${at * 13 % 100}`, count: 1 + at % 4 }],
      total: at * 997 % 90_000 / 100,
      currency: "EUR",
    }),
  };
}

async function sendOthers(httpPort: number): Promise<void> {
  const bytes = String.fromCharCode(...Array.from({ length: 200 }, (_, at) => at * 41 % 256));
  const script = '<script>alert("parcel")</script> has left · غادر الطرد';
  await call(httpPort, "messages", {
    topic: "Shipments",
    tag: "left",
    keys: ["order-1"],
    shardingKey: "order-1",
    body: script,
  });
  await call(httpPort, "messages", { topic: "Audit", body: btoa(bytes), bodyEncoding: "base64" });
  const deliverAt = Date.now() + 5 * HOUR_MILLIS;
  await call(httpPort, "messages", { topic: "Reminders", deliverAt, body: "Call customer-7" });
}
