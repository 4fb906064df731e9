import { assertEquals } from "@std/assert";
import { type ConsumeType, createSubscriptionData } from "../../../client/protocol/heartbeat.ts";
import { javaHashCode } from "../../../client/protocol/message.ts";
import { createTopicConfig } from "../../../client/protocol/topic_config.ts";
import type { ConsumerTable } from "../../../server/broker/client_table.ts";
import type { ConsumeQueue } from "../../../store/consume_queue.ts";
import { QueueOffsets } from "../../../server/broker/queue_offsets.ts";
import {
  ConsumerLag,
  type ConsumerLagDeps,
  type LagRow,
} from "../../../server/metrics/consumer_lag.ts";

const NOW = 1_000_000;
const QUEUES = 2;

const TAGS_CODE = javaHashCode("A");

/**
 * Queues of which every message was stored 10 ms after the one before; the next one would come now. Every fourth has the
 * tag A.
 */
class Queues {
  readonly ends = new Map<string, number>();
  lookups = 0;

  getMaxOffsetInQueue(topic: string, queueId: number): number {
    return this.ends.get(`${topic}/${queueId}`) ?? 0;
  }

  findQueue(topic: string, queueId: number) {
    const read = (queueOffset: number, count: number) => ({
      // Queues end somewhere, and files of a queue do.
      count: Math.min(count, this.getMaxOffsetInQueue(topic, queueId) - queueOffset, 300),
      tagsCode: (index: number) => (queueOffset + index) % 4 === 0 ? TAGS_CODE : 7,
    });
    return { read } as unknown as ConsumeQueue;
  }

  getMessageTime(topic: string, queueId: number, queueOffset: number): number {
    this.lookups++;
    return NOW - (this.getMaxOffsetInQueue(topic, queueId) - queueOffset) * 10;
  }
}

function setUp(consumeType: ConsumeType = "CONSUME_PASSIVELY", tags = "*") {
  const store = new Queues();
  const committed = new QueueOffsets();
  const pulled = new QueueOffsets();
  const topics = new Map(["t", "%RETRY%g", "%RETRY%g_t", "closed"].map((topicName) => [
    topicName,
    createTopicConfig(topicName, {
      readQueueNums: QUEUES,
      writeQueueNums: QUEUES,
      perm: topicName === "closed" ? 0 : 6,
    }),
  ]));
  const subscriptions = new Map(
    ["t", "%RETRY%g", "closed", "gone"].map((topic) => [
      topic,
      createSubscriptionData(topic, topic === "t" ? tags : "*", "TAG", 1),
    ]),
  );
  const popped = new Map<string, { nextOffset: number; inFlightCount: number }>();
  const groups = new Map(
    ["g", "not configured"].map((group) => [group, { consumeType, subscriptions }] as const),
  );
  const lag = new ConsumerLag({
    config: {
      brokerPermission: 6,
      enableRetryTopicV2: false,
      estimateAccumulation: true,
      retrieveMessageFromPopRetryTopicV1: true,
    },
    store,
    topics,
    groups: { groups: new Map([["g", {}]]) as unknown as ConsumerLagDeps["groups"]["groups"] },
    consumers: { groups: groups as unknown as ConsumerTable["groups"] },
    offsets: {
      queryOffset: (group, topic, queueId) => committed.get(group, topic, queueId) ?? -1,
      pulled,
    },
    popped: (topic, _, queueId) => popped.get(`${topic}/${queueId}`),
    now: () => NOW,
  });
  return { lag, store, committed, pulled, popped };
}

const NOTHING = { lagMessages: 0, lagMillis: 0, inFlight: 0, ready: 0, queueingMillis: 0 };
const ROW = { group: "g", topic: "t", isRetry: false };

Deno.test("ConsumerLag of a group that pulls counts from what it committed and from what it was given", async () => {
  const { lag, store, committed, pulled } = setUp();
  store.ends.set("t/0", 10).set("t/1", 100);
  await lag.refresh(100);
  assertEquals(
    lag.rows,
    [{ ...ROW, ...NOTHING, queueingMillis: 1_000 }],
    "a group without offsets",
  );
  committed.set("g", "t", 0, 4);
  pulled.set("g", "t", 0, 7);
  committed.set("g", "t", 1, 100);
  pulled.set("g", "t", 1, 100);
  await lag.refresh(100);
  const expected = { lagMessages: 6, lagMillis: 60, inFlight: 3, ready: 3, queueingMillis: 30 };
  assertEquals(lag.rows, [{ ...ROW, ...expected }]);
});

Deno.test("ConsumerLag of a group that pops has a row for what comes again", async () => {
  const { lag, store, committed, popped } = setUp("CONSUME_POP");
  store.ends.set("t/0", 10).set("%RETRY%g_t/0", 5);
  popped.set("t/0", { nextOffset: 8, inFlightCount: 3 });
  popped.set("%RETRY%g_t/0", { nextOffset: -1, inFlightCount: 0 });
  committed.set("g", "%RETRY%g_t", 0, 1);
  await lag.refresh(100);
  assertEquals(lag.rows, [
    { ...ROW, lagMessages: 5, lagMillis: 50, inFlight: 3, ready: 2, queueingMillis: 20 },
    {
      ...ROW,
      isRetry: true,
      lagMessages: 4,
      lagMillis: 40,
      inFlight: 0,
      ready: 4,
      queueingMillis: 40,
    },
  ]);
});

Deno.test("ConsumerLag looks up a time once as long as an offset stands still, and makes no more rows than asked for", async () => {
  const { lag, store, committed, pulled } = setUp();
  store.ends.set("t/0", 10);
  committed.set("g", "t", 0, 4);
  pulled.set("g", "t", 0, 4);
  await lag.refresh(100);
  await lag.refresh(100);
  assertEquals(store.lookups, 1);
  committed.set("g", "t", 0, 5);
  await lag.refresh(100);
  assertEquals(store.lookups, 2);
  await lag.refresh(0);
  assertEquals(lag.rows, []);
});

Deno.test("ConsumerLag of a group with a filter by tags counts what it wants, by a sample of what is much", async () => {
  const { lag, store, committed, pulled } = setUp("CONSUME_PASSIVELY", "A || B");
  store.ends.set("t/0", 12).set("t/1", 100_000);
  committed.set("g", "t", 0, 4);
  pulled.set("g", "t", 0, 9);
  committed.set("g", "t", 1, 0);
  pulled.set("g", "t", 1, 100_000);
  await lag.refresh(100);
  const [{ lagMessages, inFlight, ready }] = lag.rows as [LagRow];
  // Of 4 to 11 those at 4 and 8, of which 9 to 11 have none.
  assertEquals({ lagMessages, inFlight, ready }, {
    lagMessages: 25_002,
    inFlight: 25_002,
    ready: 0,
  });
});
