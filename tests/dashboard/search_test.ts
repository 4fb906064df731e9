import { assertEquals } from "@std/assert";
import { histogramOf } from "../../dashboard/histogram.ts";
import { curlOf, originTopic, preview } from "../../dashboard/message.ts";
import { findProblems } from "../../dashboard/problems.ts";
import {
  JsonLines,
  parseJsonFilter,
  parseProperties,
  parseWanted,
} from "../../dashboard/search.ts";

Deno.test("the search box tells places, ids and keys apart", () => {
  assertEquals(parseWanted("3:1200"), { kind: "offset", queueId: 3, offset: 1200 });
  assertEquals(parseWanted("broker-a:3:1200"), {
    kind: "offset",
    brokerName: "broker-a",
    queueId: 3,
    offset: 1200,
  });
  const id = "7F00000147D6D2EFD3157A2374FE4C90";
  assertEquals(parseWanted(id), { kind: "id", id });
  assertEquals(parseWanted("order-1"), { kind: "key", key: "order-1" });
});

Deno.test("JsonLines gives lines that came in pieces", () => {
  const lines = new JsonLines();
  assertEquals(lines.push('{"a":'), []);
  assertEquals(lines.push('1}\n\n{"a":2}\n{'), [{ a: 1 }, { a: 2 }]);
  assertEquals(lines.push("}\n"), [{}]);
});

Deno.test("filters and properties are read from lines with =", () => {
  assertEquals(parseJsonFilter("order.id = 42"), { jsonPath: "order.id", jsonValue: "42" });
  assertEquals(parseJsonFilter("order.id"), { jsonPath: "order.id" });
  assertEquals(parseProperties("a = 1\n\nb=x=y"), { properties: { a: "1", b: "x=y" } });
  assertEquals(parseProperties("a = 1\nno"), { badLine: "no" });
});

Deno.test("a histogram has what came between its edges, and nothing where an edge is unknown", () => {
  assertEquals(histogramOf([0, 10, 20, 30], [5, 8, undefined, 9]), {
    times: [0, 10, 20],
    counts: [3, null, null],
  });
});

const MESSAGE = {
  brokerName: "b",
  topic: "%DLQ%g",
  queueId: 0,
  queueOffset: 0,
  physicalOffset: 0,
  msgId: "M",
  offsetMsgId: "O",
  tags: "paid",
  keys: ["k"],
  properties: { RETRY_TOPIC: "Orders", UNIQ_KEY: "M", region: "it's" },
  bornTimestamp: 0,
  bornHost: "",
  storeTimestamp: 0,
  storeHost: "",
  reconsumeTimes: 0,
  storeSize: 0,
  body: "two\nlines… [cut: 9 of 20 bytes]",
  bodyEncoding: "text",
  bodyLength: 20,
  bodyTruncated: true,
};

Deno.test("a message knows where it came from, and is previewed in one line", () => {
  assertEquals(originTopic(MESSAGE), "Orders");
  assertEquals(originTopic({ topic: "T", properties: {} }), "T");
  assertEquals(preview(MESSAGE), "two lines…");
});

Deno.test("curlOf() has the user's own properties, safe for a shell", () => {
  const command = curlOf("http://h:1", MESSAGE, new TextEncoder().encode("hi"));
  assertEquals(
    command.split("\n").at(-1),
    `  -d '{"topic":"%DLQ%g","tag":"paid","keys":["k"],"properties":{"region":"it'\\''s"},"body":"hi"}'`,
  );
});

Deno.test("findProblems() names full disks, silent brokers and stuck groups, the worst first", () => {
  const cluster = {
    nameServers: ["n:1"],
    brokers: [{
      brokerName: "b",
      runtime: { commitLogDiskRatio: 0.8, dispatchBehindBytes: 0 },
    }],
    failures: [{ brokerName: "c", brokerAddr: "c:1", detail: "gone" }],
  };
  const groups = [{ group: "g", diffTotal: 5000, consumeTps: 0 }, { group: "h", diffTotal: 3 }];
  assertEquals(
    findProblems(cluster, groups).map(({ kind, text }) => `${kind} ${text}`),
    ["bad problem.broker", "warn problem.diskFull", "warn problem.lag"],
  );
  const well = { ...cluster, brokers: [{ brokerName: "b" }], failures: [] };
  assertEquals(findProblems(well, []), []);
});
