/** Several messages as the body of one SEND_BATCH_MESSAGE; `decodeBatch` of message_record.ts has the layout. */

import { ByteWriter } from "./bytes.ts";

/** Writes the body. Magic code and checksum are 0: the broker does not look at them. */
export function encodeBatch(
  items: Iterable<{ flag: number; body: Uint8Array; properties: string }>,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const { flag, body, properties } of items) {
    const start = writer.length;
    writer.int32(0);
    writer.int32(0);
    writer.int32(0);
    writer.int32(flag);
    writer.int32(body.length);
    writer.raw(body);
    writer.shortText(properties);
    writer.view.setInt32(start, writer.length - start);
  }
  return writer.written();
}
