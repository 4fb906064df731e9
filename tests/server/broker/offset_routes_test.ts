import { assertEquals } from "@std/assert";
import { RequestCode } from "../../../client/protocol/request_code.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import { offsetRoutes } from "../../../server/broker/offset_routes.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { serveRoutes } from "../../helpers/fake_connection.ts";

function setup() {
  const tables = setupTables();
  const offsets = tables.openOffsets();
  const topics = tables.openTopics();
  const groups = tables.openGroups();
  topics.createTopicInSendMessageBack({ topic: "T", queueNums: 1 });
  groups.find("G");
  const queue = { minOffset: 0, isInMemory: true };
  const store = {
    getMinOffsetInQueue: () => queue.minOffset,
    isInMemory: (_topic: string, _queueId: number, queueOffset: number) =>
      queueOffset === 0 && queue.isInMemory,
  };
  const { ask } = serveRoutes(offsetRoutes({ offsets, topics, groups, store })).connect();
  const names = { consumerGroup: "G", topic: "T", queueId: 0 };
  return {
    offsets,
    queue,
    query: (fields = {}) => ask(RequestCode.QUERY_CONSUMER_OFFSET, { ...names, ...fields }),
    update: (fields = {}) =>
      ask(RequestCode.UPDATE_CONSUMER_OFFSET, { ...names, commitOffset: 9, ...fields }),
    [Symbol.asyncDispose]: () => tables[Symbol.asyncDispose](),
  };
}

Deno.test("UPDATE_CONSUMER_OFFSET sets what QUERY_CONSUMER_OFFSET answers", async () => {
  await using broker = setup();
  assertEquals((await broker.update()).code, ResponseCode.SUCCESS);
  assertEquals((await broker.query()).fields, { offset: "9" });
});

Deno.test("UPDATE_CONSUMER_OFFSET refuses unknown groups, topics and impossible queues", async () => {
  await using broker = setup();
  const refusal = async (fields: object) => {
    const { code, remark } = await broker.update(fields);
    return [code, remark] as const;
  };
  assertEquals(await refusal({ consumerGroup: "H" }), [26, "Group H not exist!"]);
  assertEquals(await refusal({ topic: "U" }), [17, "Topic U not exist!"]);
  assertEquals((await refusal({ queueId: -1 }))[0], ResponseCode.INVALID_PARAMETER);
});

Deno.test("QUERY_CONSUMER_OFFSET answers 0 for a queue that is all there and in memory", async () => {
  await using broker = setup();
  assertEquals((await broker.query()).fields, { offset: "0" });
  assertEquals((await broker.query({ setZeroIfNotFound: true })).fields, { offset: "0" });
});

Deno.test("QUERY_CONSUMER_OFFSET answers QUERY_NOT_FOUND otherwise, with Java's words", async () => {
  await using broker = setup();
  const answer = async (fields = {}) => {
    const { code, remark } = await broker.query(fields);
    return [code, remark] as const;
  };
  assertEquals(await answer({ setZeroIfNotFound: false }), [
    ResponseCode.QUERY_NOT_FOUND,
    "Not found, do not set to zero, maybe this group boot first",
  ]);
  const elsewhere = [
    ResponseCode.QUERY_NOT_FOUND,
    "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
  ] as const;
  broker.queue.isInMemory = false;
  assertEquals(await answer(), elsewhere);
  broker.queue.isInMemory = true;
  broker.queue.minOffset = 1;
  assertEquals(await answer(), elsewhere);
});

Deno.test("UPDATE_CONSUMER_OFFSET does not overrule a reset that waits", async () => {
  await using broker = setup();
  broker.offsets.assignResetOffset("G", "T", 0, 3);
  const { code, remark } = await broker.update();
  assertEquals([code, remark], [ResponseCode.SUCCESS, "Offset has been previously reset"]);
  assertEquals((await broker.query()).fields, { offset: "3" });
});
