import { assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../helpers/random.ts";
import { ByteWriter, viewOf } from "../../client/protocol/bytes.ts";
import {
  createRequest,
  decodeFrame,
  encodeFrame,
  FrameError,
  frameLength,
  SerializeType,
} from "../../client/protocol/frame.ts";

const FIELDS = new Map([["topic", "订单"], ["queueId", "3"], ["a", ""]]);

for (const [name, serializeType] of Object.entries(SerializeType)) {
  Deno.test(`decodeFrame() reads what encodeFrame() wrote with ${name} headers`, () => {
    const request = createRequest(310, FIELDS, new Uint8Array([1, 2, 3]));
    request.serializeType = serializeType;
    request.opaque = 77;
    request.remark = "why";
    const out = new ByteWriter(8);
    encodeFrame(out, request);
    const bytes = out.written();
    for (let end = 0; end < bytes.length; end++) {
      const length = frameLength(viewOf(bytes), 0, end);
      assertEquals(length, end < 4 ? 0 : bytes.length);
    }
    assertEquals(decodeFrame(bytes, viewOf(bytes), 0, bytes.length), request);
  });
}

Deno.test("decodeFrame() gives POP codes back that two bytes had cut", () => {
  const request = createRequest(200050);
  request.serializeType = SerializeType.ROCKETMQ;
  const out = new ByteWriter();
  encodeFrame(out, request);
  assertEquals(decodeFrame(out.written(), out.view, 0, out.length).code, 200050);
});

for (const length of [0, -1, 3, 16 * 1024 * 1024 + 1, 0x7fffffff]) {
  Deno.test(`frameLength() refuses a length of ${length}`, () => {
    const out = new ByteWriter();
    out.int32(length);
    assertThrows(() => frameLength(out.view, 0, 4), FrameError, String(length));
  });
}

Deno.test("decodeFrame() refuses a header that is longer than its frame, and an unknown serialization", () => {
  const frame = (word: number) => {
    const out = new ByteWriter();
    out.int32(8);
    out.int32(word);
    out.int32(0);
    return () => decodeFrame(out.written(), out.view, 0, out.length);
  };
  assertThrows(frame(5), FrameError, "longer than its frame");
  assertThrows(frame((9 << 24) | 4), FrameError, "unknown header serialization 9");
});

Deno.test("decodeFrame() throws nothing but FrameError when bytes of a sound frame are changed", () => {
  const random = seededRandom();
  for (let round = 0; round < 5000; round++) {
    const request = createRequest(10, FIELDS);
    request.serializeType = round % 2;
    const out = new ByteWriter();
    encodeFrame(out, request);
    const bytes = out.written();
    for (let count = 0; count < 3; count++) bytes[4 + random(bytes.length - 4)] = random(256);
    try {
      decodeFrame(bytes, viewOf(bytes), 0, bytes.length);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
    }
  }
});
