/** What is written into a data folder that moves: messages of every kind, topics, groups, offsets. */

import { assertEquals } from "@std/assert";
import { ByteWriter, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../client/protocol/commands/group.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import { CONSUMER_SEND_MSG_BACK, SEND_BATCH_MESSAGE } from "../../client/protocol/commands/send.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import type { RemotingCommand } from "../../client/protocol/frame.ts";
import { parseMessageId, printProperties } from "../../client/protocol/message.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { createSubscriptionGroupConfig } from "../../client/protocol/subscription_group_config.ts";
import { TestClient } from "../helpers/comet.ts";

/** The delay levels of both servers: for retries; for what becomes due on the next server; for what stays. */
export const DELAY_LEVELS = { text: "1s 5s 1h", retry: 1, soon: 2, late: 3 } as const;
const SOON_MILLIS = 5_000;

/** The longest name that a topic may have. */
const LONG_TOPIC = "L".repeat(127);
/** The topics of such a group have longer names, which need the second version of the record. */
const LONG_GROUP = "G".repeat(200);
const GROUP = "movers";
const QUEUES = 4;

/** Topics and how many of their queues are looked at. */
export const TOPICS: Readonly<Record<string, number>> = {
  Orders: QUEUES,
  Batches: QUEUES,
  Attributed: 2,
  [LONG_TOPIC]: 1,
  [`%DLQ%${GROUP}`]: 1,
  SCHEDULE_TOPIC_XXXX: 3,
};

export const GROUPS: readonly string[] = [GROUP, LONG_GROUP];
export const RETRY_TOPICS: readonly string[] = GROUPS.map((group) => `%RETRY%${group}`);
/** Topics of one queue to which the broker itself sends, at its own time. */
export const GROWING_TOPICS: readonly string[] = ["Delayed", ...RETRY_TOPICS];

/** A message as it was acknowledged. */
export interface Acknowledged {
  topic: string;
  queueId: number;
  queueOffset: number;
  offsetMsgId: string;
  body: string;
  uniqKey: string;
  keys: string;
}

/** A message that waits until its delay is over. */
export interface Waiting {
  uniqKey: string;
  /** When it may be delivered at the earliest, in milliseconds since the epoch. */
  dueTimestamp: number;
}

/** All that has been written so far, by whichever server. */
export class Ledger {
  readonly acknowledged: Acknowledged[] = [];
  readonly waiting: Waiting[] = [];
  /** `group topic queueId` → the offset that the group committed last. */
  readonly offsets = new Map<string, number>();
  /** How many messages were given back, of each group. */
  givenBack = 0;
}

/** Writes one portion of everything; `stage` makes its keys differ from those of others. */
export async function write(port: number, ledger: Ledger, stage: string): Promise<void> {
  await using client = new TestClient(port);
  await using client6 = new TestClient(port, "[::1]");
  const writer = new Writer(client, ledger, stage);
  await writer.createTopicAndGroups();
  for (let n = 0; n < 60; n++) {
    const body = `${stage} ${n} ü🚀 `.repeat(1 + (n * 37) % 100);
    await writer.send(n % 10 === 9 ? client6 : client, "Orders", n % QUEUES, body);
  }
  for (let n = 0; n < 3; n++) await writer.send(client, LONG_TOPIC, 0, `${stage} long ${n}`);
  await writer.send(client, "Attributed", 1, `${stage} attributed`);
  await writer.sendBatch("Batches", 1, 10);
  await writer.sendDelayed(DELAY_LEVELS.soon, SOON_MILLIS);
  await writer.sendDelayed(DELAY_LEVELS.late, 3_600_000);
  await writer.giveBack();
  await writer.commitOffsets();
}

class Writer {
  readonly #client: TestClient;
  readonly #ledger: Ledger;
  readonly #stage: string;
  #sent = 0;

  constructor(client: TestClient, ledger: Ledger, stage: string) {
    this.#client = client;
    this.#ledger = ledger;
    this.#stage = stage;
  }

  async createTopicAndGroups(): Promise<void> {
    succeeded(
      await this.#client.invoke(UPDATE_AND_CREATE_TOPIC, {
        topic: "Attributed",
        readQueueNums: 2,
        writeQueueNums: 2,
        perm: 6,
        topicFilterType: "SINGLE_TAG",
        order: true,
        attributes: "+message.type=FIFO",
      }),
    );
    for (const group of GROUPS) {
      const fields = { retryMaxTimes: 5, consumeMessageOrderly: true, consumeTimeoutMinute: 7 };
      const config = createSubscriptionGroupConfig(group, group === GROUP ? fields : {});
      const body = encodeUtf8(JSON.stringify(config));
      succeeded(await this.#client.invoke(UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, {}, body));
    }
  }

  async send(client: TestClient, topic: string, queueId: number, body: string): Promise<void> {
    const { uniqKey, keys, properties } = this.#properties([]);
    const fields = { defaultTopicQueueNums: QUEUES, queueId, properties };
    const answer = succeeded(await client.send(topic, encodeUtf8(body), fields));
    this.#acknowledge({ topic, queueId, body, uniqKey, keys }, answer);
  }

  /** Two of the keys are shared by many messages. */
  #properties(more: [string, string][]): { uniqKey: string; keys: string; properties: string } {
    const n = this.#sent++;
    const uniqKey = `${this.#stage}-${n}`;
    const keys = `key-${uniqKey} shared-${n % 5}`;
    const properties = printProperties([
      ["UNIQ_KEY", uniqKey],
      ["KEYS", keys],
      ["TAGS", ["paid", "sent", "größer"][n % 3]!],
      ["note", "ein Wört"],
      ...more,
    ]);
    return { uniqKey, keys, properties };
  }

  #acknowledge(
    message: Omit<Acknowledged, "queueOffset" | "offsetMsgId">,
    answer: RemotingCommand,
    index = 0,
  ): void {
    this.#ledger.acknowledged.push({
      ...message,
      queueOffset: Number(answer.extFields.get("queueOffset")) + index,
      offsetMsgId: answer.extFields.get("msgId")!.split(",")[index]!,
    });
  }

  async sendBatch(topic: string, queueId: number, count: number): Promise<void> {
    const items = Array.from({ length: count }, (_, n) => ({
      body: `${this.#stage} batch ${n}`,
      ...this.#properties([]),
    }));
    const answer = succeeded(
      await this.#client.invoke(SEND_BATCH_MESSAGE, {
        producerGroup: "p",
        topic,
        defaultTopic: "TBW102",
        defaultTopicQueueNums: QUEUES,
        queueId,
        sysFlag: 0,
        bornTimestamp: Date.now(),
        flag: 0,
        batch: true,
      }, encodeBatch(items)),
    );
    items.forEach(({ body, uniqKey, keys }, index) =>
      this.#acknowledge({ topic, queueId, body, uniqKey, keys }, answer, index)
    );
  }

  async sendDelayed(level: number, millis: number): Promise<void> {
    const { uniqKey, properties } = this.#properties([["DELAY", String(level)]]);
    const dueTimestamp = Date.now() + millis;
    succeeded(await this.#client.send("Delayed", encodeUtf8(uniqKey), { properties }));
    this.#ledger.waiting.push({ uniqKey, dueTimestamp });
  }

  /** Both groups want one message again, and one of them has a dead letter. */
  async giveBack(): Promise<void> {
    const { offsetMsgId } = this.#ledger.acknowledged.at(-20)!;
    const offset = parseMessageId(offsetMsgId).physicalOffset;
    for (const group of GROUPS) {
      const header = { offset, group, delayLevel: DELAY_LEVELS.retry, originTopic: "Orders" };
      succeeded(await this.#client.invoke(CONSUMER_SEND_MSG_BACK, header));
    }
    const dead = { offset, group: GROUP, delayLevel: -1, originTopic: "Orders" };
    succeeded(await this.#client.invoke(CONSUMER_SEND_MSG_BACK, dead));
    this.#ledger.givenBack++;
  }

  async commitOffsets(): Promise<void> {
    const { offsets } = this.#ledger;
    for (const consumerGroup of GROUPS) {
      for (let queueId = 0; queueId < QUEUES; queueId++) {
        const place = `${consumerGroup} Orders ${queueId}`;
        const commitOffset = (offsets.get(place) ?? 0) + queueId + 3;
        const header = { consumerGroup, topic: "Orders", queueId, commitOffset };
        succeeded(await this.#client.invoke(UPDATE_CONSUMER_OFFSET, header));
        offsets.set(place, commitOffset);
      }
    }
  }
}

/** The body of SEND_BATCH_MESSAGE; `decodeBatch` has its layout. */
function encodeBatch(items: readonly { body: string; properties: string }[]): Uint8Array {
  const writer = new ByteWriter();
  for (const { body, properties } of items) {
    const start = writer.length;
    for (const unused of [0, 0, 0, 0]) writer.int32(unused);
    writer.longText(body);
    writer.shortText(properties);
    writer.view.setInt32(start, writer.length - start);
  }
  return writer.written();
}

/** The answer, which must say that all went well. */
export function succeeded(answer: RemotingCommand): RemotingCommand {
  assertEquals(answer.code, ResponseCode.SUCCESS, answer.remark);
  return answer;
}
