import { assertEquals } from "@std/assert";
import { parseTraceRecords } from "../../client/protocol/trace_record.ts";

function body(...records: (string | number | boolean)[][]): string {
  return records.map((fields) => `${fields.join("\u0001")}\u0002`).join("");
}

const PUB = ["Pub", 1000, "DefaultRegion", "P", "T", "ID", "tag", "k1 k2", "127.0.0.1:10911"];

Deno.test("parseTraceRecords() reads a send as clients of all ages write it", () => {
  const common = {
    kind: "Pub",
    timestamp: 1000,
    regionId: "DefaultRegion",
    group: "P",
    topic: "T",
    msgId: "ID",
    tags: "tag",
    keys: "k1 k2",
    storeHost: "127.0.0.1:10911",
    bodyLength: 9,
    costTime: 7,
  };
  const start = [...PUB, 9, 7, 0];
  assertEquals(
    parseTraceRecords(body(
      [...start, true],
      [...start, "7F00", false],
      [...start, "7F00", true, "10.0.0.1"],
    )) as unknown,
    [
      { ...common, success: true },
      { ...common, offsetMsgId: "7F00", success: false },
      { ...common, offsetMsgId: "7F00", success: true, clientHost: "10.0.0.1" },
    ],
  );
});

Deno.test("parseTraceRecords() reads consuming, transactions and recalls", () => {
  const text = body(
    ["SubBefore", 1, "R", "G", "REQ", "ID", 2, "k"],
    ["SubAfter", "REQ", "ID", 5, true, "k"],
    ["SubAfter", "REQ", "ID", 5, false, "null", 4],
    ["SubAfter", "REQ", "ID", 5, true, "k", 0, 9, "G"],
    ["EndTransaction", 1, "R", "P", "T", "ID", "null", "", "h:1", 2, "TX", "COMMIT_MESSAGE", true],
    ["Recall", 1, "R", "P", "T", "ID", true],
  );
  const after = { kind: "SubAfter", requestId: "REQ", msgId: "ID", costTime: 5 };
  const first = { timestamp: 1, regionId: "R" };
  assertEquals(parseTraceRecords(text) as unknown[], [
    {
      kind: "SubBefore",
      ...first,
      group: "G",
      requestId: "REQ",
      msgId: "ID",
      retryTimes: 2,
      keys: "k",
    },
    { ...after, success: true, keys: "k" },
    { ...after, success: false, contextCode: 4 },
    { ...after, success: true, keys: "k", contextCode: 0, timestamp: 9, group: "G" },
    {
      kind: "EndTransaction",
      ...first,
      group: "P",
      topic: "T",
      msgId: "ID",
      storeHost: "h:1",
      transactionId: "TX",
      transactionState: "COMMIT_MESSAGE",
      isFromTransactionCheck: true,
    },
    { kind: "Recall", ...first, group: "P", topic: "T", msgId: "ID", success: true },
  ]);
});

Deno.test("parseTraceRecords() leaves out what is no record", () => {
  assertEquals(parseTraceRecords(""), []);
  assertEquals(parseTraceRecords("hello\u0002Pub\u00011\u0002toString\u0001x\u0002"), []);
});
