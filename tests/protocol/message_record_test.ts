import { assert, assertEquals } from "@std/assert";
import { encodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import {
  createMessageId,
  hostBytes,
  parseMessageId,
  parseProperties,
  printProperties,
} from "../../client/protocol/message.ts";
import {
  checkRecord,
  copyMessage,
  CRC_PROPERTY_BYTES,
  encodeRecord,
  isSealed,
  type MessageToStore,
  recordBytesMax,
  recordCrc,
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
  const bytes = encode(message({ properties: `${message().properties}\u0002` }), true);
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

Deno.test("encodeRecord() takes the checksum of a record out of properties and leaves nothing of it", () => {
  const properties = "TAGS\u0001a\u0002";
  const bytes = encode(message({ properties }), true);
  const { record } = sound(bytes);
  const stored = copyMessage(bytes, record).properties;
  for (const forwarded of [stored, `${stored}\u0002UNIQ_KEY\u0001k\u0002`]) {
    const again = encode(message({ properties: forwarded }), false);
    const added = forwarded === stored ? "" : "UNIQ_KEY\u0001k\u0002";
    assertEquals(copyMessage(again, sound(again).record).properties, properties + added);
  }
});

/** As Apache's brokers and clients read a properties string and write it anew. */
function printedAnew(properties: string): string {
  return printProperties(parseProperties(properties));
}

Deno.test("checkRecord() takes a checksum that was copied from another record for none", () => {
  for (const properties of ["", "TAGS\u0001a", "TAGS\u0001a\u0002"]) {
    const bytes = encode(message({ properties, queueId: 1 }), true);
    const forwarded = printedAnew(copyMessage(bytes, sound(bytes).record).properties);
    assert(forwarded.endsWith("\u0002") && forwarded.includes("__CRC32#\u0001"));
    const copy = withProperties(forwarded);
    assert(!isSealed(copy, sound(copy).record));
  }
});

Deno.test("a checksum as Apache's enabledAppendPropCRC writes it seals a record if it holds", () => {
  const digits = "0".repeat(10);
  const bytes = withProperties(`TAGS\u0001a\u0002__CRC32#\u0001${digits}\u0002`);
  let crc = recordCrc(bytes.subarray(0, bytes.length - CRC_PROPERTY_BYTES));
  for (let at = bytes.length - 11; at < bytes.length - 1; at++) {
    bytes[at] = 48 + crc % 10;
    crc = Math.floor(crc / 10);
  }
  assert(isSealed(bytes, sound(bytes).record));
  bytes[20]! ^= 1;
  assert(!isSealed(bytes, sound(bytes).record));
});

Deno.test("a record's checksum is where Apache looks for it, under its name", () => {
  for (const properties of ["", "TAGS\u0001a", "TAGS\u0001a\u0002"]) {
    const bytes = encode(message({ properties }), true);
    const stored = copyMessage(bytes, sound(bytes).record).properties;
    const digits = [...parseProperties(stored).get("__CRC32#")!].reverse().join("");
    assertEquals(recordCrc(bytes.subarray(0, bytes.length - 20)), Number(digits));
    assert(isSealed(bytes, sound(bytes).record));
  }
});

/** A record that has exactly these properties, as Apache writes it. */
function withProperties(properties: string): Uint8Array {
  const bytes = encode(message({ properties: "~".repeat(properties.length) }), false);
  bytes.set(encodeUtf8(properties), bytes.length - properties.length);
  return bytes;
}

function sound(bytes: Uint8Array) {
  const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
  assert(check.kind === "message", `${check.kind}`);
  return check;
}

Deno.test("parseMessageId() reads what createMessageId() made", () => {
  for (const host of ["10.1.2.3", "2001:db8::1"]) {
    const storeHost = hostBytes(host, 10911);
    const id = createMessageId(storeHost, PLACE.physicalOffset);
    assertEquals(parseMessageId(id), { storeHost, physicalOffset: PLACE.physicalOffset });
  }
});
