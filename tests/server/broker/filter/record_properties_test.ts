import { assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8, viewOf } from "../../../../client/protocol/bytes.ts";
import { hostBytes } from "../../../../client/protocol/message.ts";
import { readRecord, recordPropertiesStart } from "../../../../client/protocol/message_record.ts";
import { RecordProperties } from "../../../../server/broker/filter/record_properties.ts";
import { seededRandom } from "../../../helpers/random.ts";
import { recordWith } from "../../../helpers/records.ts";

/** How Java reads a properties string (MessageDecoder.java). */
function parsedAsJava(properties: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const piece of properties.split("\u0002")) {
    const separator = piece.indexOf("\u0001");
    if (separator > 0 && separator < piece.length - 1) {
      found.set(piece.slice(0, separator), piece.slice(separator + 1));
    }
  }
  return found;
}

Deno.test("recordPropertiesStart() finds the properties of every kind of record", () => {
  const hosts = ["127.0.0.1", "2001:db8::1"].map((host) => hostBytes(host, 10911));
  for (const bornHost of hosts) {
    for (const storeHost of hosts) {
      for (const topic of ["T", "t".repeat(127), "t".repeat(300)]) {
        for (const properties of ["", "a\u0001b\u0002"]) {
          const record = recordWith(properties, { bornHost, storeHost, topic });
          const start = recordPropertiesStart(record);
          assertEquals(start, readRecord(record, viewOf(record), 0).propertiesStart);
          assertEquals(decodeUtf8(record, start, record.length), properties);
        }
      }
    }
  }
});

Deno.test("RecordProperties finds what Java finds in any row of bytes", () => {
  const random = seededRandom();
  const names = ["a", "ab", "b", "é", "日本", "a\u0000"];
  const pieces = [...names, "\u0001", "\u0001", "\u0002", "\u0002", "x", "", "long value"];
  const properties = new RecordProperties(names);
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: random(20) }, () => pieces[random(pieces.length)]).join("");
    const expected = parsedAsJava(text);
    const bytes = encodeUtf8(`xx${text}yy`);
    properties.load(bytes, 2, bytes.length - 2);
    for (const [index, name] of names.entries()) {
      const value = expected.get(name) ?? null;
      assertEquals([text, name, properties.text(index)], [text, name, value]);
      assertEquals(properties.text(index), value);
    }
  }
});
