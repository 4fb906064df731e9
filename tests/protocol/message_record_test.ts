import { assert, assertEquals } from "@std/assert";
import { encodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { createMessageId, hostBytes, parseMessageId } from "../../client/protocol/message.ts";
import {
  checkRecord,
  copyMessage,
  encodeRecord,
  type MessageToStore,
  recordBytesMax,
} from "../../client/protocol/message_record.ts";

function message(fields: Partial<MessageToStore> = {}): MessageToStore {
  return {
    topic: "Orders",
    queueId: 2,
    flag: 7,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_123,
    bornHost: hostBytes("10.1.2.3", 4567),
    storeHost: hostBytes("127.0.0.1", 10911),
    reconsumeTimes: 1,
    preparedTransactionOffset: 0,
    body: encodeUtf8("hello"),
    properties: "TAGS\u0001a\u0002KEYS\u0001k1 k2",
    ...fields,
  };
}

const PLACE = { queueOffset: 5, physicalOffset: 9_876_543_210, storeTimestamp: 1_700_000_000_456 };

function encode(input: MessageToStore, appendCrc: boolean): Uint8Array {
  const bytes = new Uint8Array(recordBytesMax(input));
  return bytes.subarray(0, encodeRecord(bytes, viewOf(bytes), 0, input, PLACE, appendCrc));
}

for (const appendCrc of [false, true]) {
  Deno.test(`checkRecord() reads what encodeRecord() wrote, ${appendCrc ? "with" : "without"} checksum property`, () => {
    for (const host of ["10.1.2.3", "2001:db8::1"]) {
      for (const topic of ["Orders", "t".repeat(200)]) {
        const input = message({ bornHost: hostBytes(host, 1), topic });
        const bytes = encode(input, appendCrc);
        const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
        assert(check.kind === "message");
        const stored = copyMessage(bytes, check.record);
        assertEquals(stored.topic, topic);
        assertEquals(stored.body, input.body);
        assertEquals(stored.physicalOffset, PLACE.physicalOffset);
        assertEquals(stored.queueOffset, PLACE.queueOffset);
        assertEquals(stored.bornHost, input.bornHost);
        assert(stored.properties.startsWith(input.properties));
      }
    }
  });
}

Deno.test("checkRecord() finds every changed bit of a record with a checksum property", () => {
  const bytes = encode(message(), true);
  for (let position = 0; position < bytes.length; position++) {
    for (let bit = 1; bit < 256; bit *= 2) {
      const copy = bytes.slice();
      copy[position]! ^= bit;
      const check = checkRecord(copy, viewOf(copy), 0, copy.length);
      assert(check.kind !== "message", `bit ${bit} of byte ${position} changed unnoticed`);
    }
  }
});

Deno.test("encodeRecord() replaces a checksum property that the client sent", () => {
  const stale = `${message().properties}\u0002__CRC32#\u00011234567890\u0002`;
  const bytes = encode(message({ properties: stale }), true);
  assertEquals(checkRecord(bytes, viewOf(bytes), 0, bytes.length).kind, "message");
  const plain = encode(message({ properties: stale }), false);
  assertEquals(checkRecord(plain, viewOf(plain), 0, plain.length).kind, "message");
});

Deno.test("parseMessageId() reads what createMessageId() made", () => {
  for (const host of ["10.1.2.3", "2001:db8::1"]) {
    const storeHost = hostBytes(host, 10911);
    const id = createMessageId(storeHost, PLACE.physicalOffset);
    assertEquals(parseMessageId(id), { storeHost, physicalOffset: PLACE.physicalOffset });
  }
});
