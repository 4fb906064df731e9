import { assertEquals, assertThrows } from "@std/assert";
import { parseFastjson, printFastjson } from "../../client/protocol/fastjson.ts";

Deno.test("parseFastjson() reads standard JSON as it is", () => {
  const value = { a: [1, -2.5, "x:1", null, true], "1": { "2": 3 } };
  assertEquals(parseFastjson(JSON.stringify(value)), value);
});

Deno.test("parseFastjson() reads map keys that are numbers", () => {
  assertEquals(parseFastjson('{"offsetTable":{"T@G":{0:12,1:4},"%RETRY%G@G":{0:0}}}'), {
    offsetTable: { "T@G": { "0": 12, "1": 4 }, "%RETRY%G@G": { "0": 0 } },
  });
  assertEquals(parseFastjson("{-1 : 5,\n\t2\t:{3:4}}"), { "-1": 5, "2": { "3": 4 } });
});

Deno.test("parseFastjson() leaves strings alone", () => {
  assertEquals(parseFastjson(String.raw`{0:"1:2,\"3:4",1:"\\",2:"{5:6}"}`), {
    "0": '1:2,"3:4',
    "1": "\\",
    "2": "{5:6}",
  });
});

Deno.test("parseFastjson() reads long strings", () => {
  const text = "x\\n".repeat(2_000_000);
  assertEquals((parseFastjson(`{0:"${text}"}`) as string[])[0]!.length, 4_000_000);
});

Deno.test("parseFastjson() throws on what is neither", () => {
  for (const text of ["", "{", "{0:}", "{a:1}", '{"a":1', "{0:1"]) {
    assertThrows(() => parseFastjson(text), SyntaxError);
  }
});

Deno.test("parseFastjson() reads map keys that are objects", () => {
  const text = '{"offsetTable":{{"brokerName":"b:{1","queueId":0,"topic":"T"}:12,' +
    '{"brokerName":"b","queueId":1,"topic":"T"} : {"x":{1:2}}}}';
  assertEquals(parseFastjson(text), {
    offsetTable: {
      '{"brokerName":"b:{1","queueId":0,"topic":"T"}': 12,
      '{"brokerName":"b","queueId":1,"topic":"T"}': { x: { "1": 2 } },
    },
  });
});

Deno.test("printFastjson() prints maps as Java's", () => {
  const queue = { brokerName: "b", queueId: 0, topic: "T" };
  const value = {
    a: new Map([[queue, new Set([1, "x"])]]),
    b: new Map([[0, 2n ** 63n - 1n]]),
    c: undefined,
    d: new Map([["k", [null, true]]]),
  };
  assertEquals(
    printFastjson(value),
    '{"a":{{"brokerName":"b","queueId":0,"topic":"T"}:[1,"x"]},"b":{0:9223372036854775807},' +
      '"d":{"k":[null,true]}}',
  );
});
