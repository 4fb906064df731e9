import { assertEquals } from "@std/assert";
import { fromHex, viewOf } from "../../client/protocol/bytes.ts";
import { decodeBatch } from "../../client/protocol/message_record.ts";
import { encodeBatch } from "../../client/protocol/message_batch.ts";
import { uniqueKeys } from "../../client/protocol/unique_key.ts";

Deno.test("uniqueKeys() says who, when within the month, and which", () => {
  const next = uniqueKeys({ address: Uint8Array.of(10, 0, 0, 7), pid: 0x1234, maker: 0xcafebabe });
  const now = new Date(2026, 10, 2, 0, 0, 1).getTime();
  assertEquals(next(now).slice(0, 20), "0A0000071234CAFEBABE");
  const second = fromHex(next(now));
  assertEquals(viewOf(second).getInt32(10), 86_401_000);
  assertEquals(viewOf(second).getUint16(14), 1);
});

Deno.test("encodeBatch() writes what decodeBatch() reads", () => {
  const items = [
    { flag: 1, body: Uint8Array.of(1, 2, 3), properties: "A\u0001b\u0002" },
    { flag: 0, body: new Uint8Array(), properties: "" },
    { flag: -1, body: new Uint8Array(3000).fill(7), properties: "Ü\u0001ß\u0002" },
  ];
  assertEquals(decodeBatch(encodeBatch(items)), items);
});
