import { assertEquals, assertStringIncludes } from "@std/assert";
import { deflateSync } from "node:zlib";
import { encodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { hostBytes } from "../../client/protocol/message.ts";
import {
  encodeRecord,
  type MessageToStore,
  readRecord,
  recordBytesMax,
} from "../../client/protocol/message_record.ts";
import { readDumpFlags } from "../../server/dump_flags.ts";
import { type DumpFormat, formatEntry } from "../../server/dump_output.ts";
import { messageToStore } from "../helpers/store.ts";

function format(
  body: string | Uint8Array,
  fields: Partial<MessageToStore> = {},
  options: Partial<DumpFormat> = {},
): string {
  const message = messageToStore("T", body, fields);
  const bytes = new Uint8Array(recordBytesMax(message));
  const place = { queueOffset: 7, physicalOffset: 1234, storeTimestamp: 1_700_000_000_000 };
  encodeRecord(bytes, viewOf(bytes), 0, message, place, false);
  const record = readRecord(bytes, viewOf(bytes), 0);
  const plain: DumpFormat = { json: false, body: "text", bodyMax: 1000 };
  return formatEntry({ kind: "message", record, bytes }, { ...plain, ...options });
}

Deno.test("formatEntry() shows place, times, hosts, properties and body", () => {
  const properties = "KEYS\u0001a b\u0002TAGS\u0001x\u0002";
  const bornHost = hostBytes("2001:db8::1", 5000);
  assertEquals(
    format("hello", { properties, bornHost }).split("\n"),
    [
      "T/0 queueOffset 7 physicalOffset 1234 size 125 stored 2023-11-14T22:13:20.000Z",
      "  born 1970-01-01T00:00:00.001Z at [2001:db8:0:0:0:0:0:1]:5000, " +
      "stored at 127.0.0.1:10911, reconsumeTimes 0, sysFlag 16, flag 0",
      "  KEYS=a b TAGS=x",
      "  body 5 bytes: hello",
      "",
    ],
  );
});

Deno.test("formatEntry() prints one JSON document a line", () => {
  const properties = "KEYS\u0001a b\u0002";
  const text = format("two\nlines", { properties, queueId: 3 }, { json: true });
  assertEquals(text.indexOf("\n"), text.length - 1);
  const document = JSON.parse(text);
  assertEquals(document.properties, { KEYS: "a b" });
  assertEquals([document.topic, document.queueId, document.queueOffset], ["T", 3, 7]);
  assertEquals([document.body, document.bodyBytes, document.bodyCutBytes], ["two\nlines", 9, 0]);
  assertEquals(document.offsetMsgId, "7F00000100002A9F00000000000004D2");
});

Deno.test("formatEntry() shows where a body is cut, and cuts no character in two", () => {
  assertStringIncludes(format("abcdefgh", {}, { bodyMax: 3 }), "body 8 bytes: abc […5 bytes more]");
  assertStringIncludes(format("aäöü", {}, { bodyMax: 4 }), "body 7 bytes: aä […4 bytes more]");
  const json = JSON.parse(format("abcdef", {}, { json: true, body: "hex", bodyMax: 2 }));
  assertEquals([json.body, json.bodyCutBytes, json.bodyFormat], ["6162", 4, "hex"]);
});

Deno.test("formatEntry() shows bodies as text, hex, base64 or not at all", () => {
  const body = new Uint8Array([0, 27, 255, 65]);
  assertStringIncludes(format(body, {}, { body: "hex" }), "body 4 bytes: 001BFF41\n");
  assertStringIncludes(format(body, {}, { body: "base64" }), "body 4 bytes: ABv/QQ==\n");
  assertStringIncludes(format(body, {}, { body: "none" }), "body 4 bytes\n");
  assertStringIncludes(format(body), "body 4 bytes: \\x00\\x1b\ufffdA\n");
});

Deno.test("formatEntry() unpacks what clients pack with zlib, and says what it cannot unpack", () => {
  const packed = deflateSync(encodeUtf8("hello ".repeat(50)));
  const zlib = format(packed, { sysFlag: 1 | 3 << 8 }, { bodyMax: 11 });
  assertStringIncludes(zlib, "body 300 bytes, zlib: hello hello […289 bytes more]");
  const lz4 = format(new Uint8Array([1, 2]), { sysFlag: 1 | 1 << 8 });
  assertStringIncludes(lz4, "body 2 bytes, lz4, not unpacked: 0102");
  assertStringIncludes(format("x", { sysFlag: 1 }), "zlib, not unpacked: 78");
});

Deno.test("formatEntry() says what is damaged", () => {
  const damage = { kind: "damage", what: "gone", physicalOffset: 5, endOffset: 9 } as const;
  const plain = { json: false, body: "text", bodyMax: 10 } as const;
  assertEquals(formatEntry(damage, plain), "DAMAGE at physicalOffset 5: gone; goes on at 9\n");
  assertEquals(JSON.parse(formatEntry(damage, { ...plain, json: true })), {
    damage: "gone",
    physicalOffset: 5,
    endOffset: 9,
  });
});

Deno.test("readDumpFlags() reads numbers and times", () => {
  const { query, format, limit } = readDumpFlags({
    topic: "T",
    queue: "0",
    from: "5",
    begin: "2023-11-14T22:13:20Z",
    end: "1700000000001",
    limit: "3",
    body: "hex",
    "body-max": "7",
  });
  assertEquals(query, {
    topic: "T",
    queueId: 0,
    from: 5,
    begin: 1_700_000_000_000,
    end: 1_700_000_000_001,
  });
  assertEquals([format, limit], [{ json: false, body: "hex", bodyMax: 7 }, 3]);
  assertEquals(readDumpFlags({ json: true }).format.bodyMax, Infinity);
});
