import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, viewOf } from "../../../client/protocol/bytes.ts";
import { checkRecord, copyMessage } from "../../../client/protocol/message_record.ts";
import { isQueued, SCHEDULE_TOPIC } from "../../../store/dispatch.ts";
import { LogDamage } from "../../../store/tools/damage.ts";
import { encodePart, type Patch } from "../../../store/tools/filler.ts";
import { planPatches } from "../../../store/tools/patch_plan.ts";
import { LOST_SYS_FLAG } from "../../../store/tombstone.ts";

const SEGMENT = 64 * 1024;

/** What readers find where a patch has been written. */
function read(patches: Patch[]) {
  const found: { offset: number; message: ReturnType<typeof copyMessage> | "blank" }[] = [];
  for (const { start, end, parts, storeTimestamp } of patches) {
    let offset = start;
    for (const part of parts) {
      const bytes = encodePart(part, offset, storeTimestamp);
      const check = checkRecord(bytes, viewOf(bytes), 0, bytes.length);
      if (check.kind === "message") {
        assertEquals([check.record.size, check.record.physicalOffset], [part.bytes, offset]);
        found.push({ offset, message: copyMessage(bytes, check.record) });
      } else {
        assertEquals(check, { kind: "blank", size: part.bytes });
        found.push({ offset, message: "blank" });
      }
      offset += part.bytes;
    }
    assertEquals(offset, end);
  }
  return found;
}

function plan(
  ranges: [start: number, end: number][],
  lost: Partial<LogDamage["lost"][0]>[] = [],
): Patch[] | undefined {
  const damage = new LogDamage();
  for (const [start, end] of ranges) {
    damage.addRange({ start, end, reason: "", storeTimestamp: 1_700_000_000_000 });
  }
  const all = { topic: "T", queueId: 0, from: 0, to: 1, firstRange: 0, lastRange: 0 };
  for (const messages of lost) damage.lost.push({ ...all, ...messages });
  return planPatches(damage, SEGMENT);
}

Deno.test("a filler is a sound record in no queue, whatever its size", () => {
  for (let bytes = 92; bytes < 400; bytes++) {
    const [entry, ...others] = read(plan([[1000, 1000 + bytes]])!);
    assertEquals(others, []);
    assert(entry!.message !== "blank" && !isQueued(entry!.message.sysFlag));
  }
});

Deno.test("a tombstone fits wherever a message was, with as much as there is room for", () => {
  for (const topic of ["T", "Ünïcode", "long".repeat(40)]) {
    const bytesMin = 92 + new TextEncoder().encode(topic).length + (topic.length > 127 ? 1 : 0);
    for (let bytes = bytesMin; bytes < bytesMin + 300; bytes++) {
      const found = read(plan([[500, 500 + bytes]], [{ topic, queueId: 3, from: 7, to: 8 }])!);
      const { message } = found[0]!;
      assert(message !== "blank" && isQueued(message.sysFlag));
      assertEquals([message.topic, message.queueId, message.queueOffset], [topic, 3, 7]);
      assert((message.sysFlag & LOST_SYS_FLAG) !== 0 && message.body.length > 0);
      assertEquals(message.storeTimestamp, 1_700_000_000_000);
      if (bytes >= bytesMin + 16) assert(message.properties.includes("TAGS\u0001COMET_LOST\u0002"));
      if (bytes >= bytesMin + 100) assert(message.properties.includes("__CRC32#"));
    }
    assertEquals(plan([[500, 500 + bytesMin - 1]], [{ topic }]), undefined);
  }
});

Deno.test("a tombstone of a delayed message is delivered to where nobody is", () => {
  const [entry] = read(plan([[0, 500]], [{ topic: SCHEDULE_TOPIC, queueId: 2 }])!);
  assert(entry!.message !== "blank");
  const properties = entry!.message.properties;
  assert(properties.includes("DELAY\u00013\u0002REAL_TOPIC\u0001rmq_sys_COMET_LOST\u0002"));
  const body = decodeUtf8(entry!.message.body, 0, entry!.message.body.length);
  assert(body.startsWith("lost to a damaged disk"));
});

Deno.test("damage to the end of a file ends in a blank, and a file never begins with one", () => {
  const kinds = (patches: Patch[]) => patches.map(({ parts }) => parts.map(({ kind }) => kind));
  assertEquals(kinds(plan([[60_000, SEGMENT]])!), [["blank"]]);
  assertEquals(kinds(plan([[SEGMENT - 8, SEGMENT]])!), [["blank"]]);
  assertEquals(kinds(plan([[SEGMENT, 2 * SEGMENT]])!), [["filler", "blank"]]);
  const over = plan([[60_000, 2 * SEGMENT + 500]], [{ from: 5, to: 7 }])!;
  assertEquals(kinds(over), [["tombstone", "tombstone", "blank"], ["filler", "blank"], ["filler"]]);
  read(over);
});

Deno.test("long damage gets several fillers", () => {
  const damage = new LogDamage();
  const end = 5 * 1024 * 1024 + 17;
  damage.addRange({ start: 0, end, reason: "", storeTimestamp: 1 });
  const [patch] = planPatches(damage, 1024 * 1024 * 1024)!;
  assertEquals(patch!.parts.length, 6);
  read([patch!]);
});

Deno.test("lost messages are spread over the ranges that they can have been in", () => {
  const ranges: [number, number][] = [[0, 300], [1000, 1300], [2000, 2300]];
  const patches = plan(ranges, [
    { queueId: 0, from: 0, to: 3, firstRange: 0, lastRange: 1 },
    { queueId: 1, from: 4, to: 7, firstRange: 0, lastRange: 0 },
    { queueId: 2, from: 9, to: 11, firstRange: 1, lastRange: 2 },
  ])!;
  const places = read(patches).flatMap(({ offset, message }) =>
    message === "blank" || !isQueued(message.sysFlag)
      ? []
      : [[Math.floor(offset / 1000), message.queueId, message.queueOffset]]
  );
  assertEquals(places, [
    [0, 1, 4],
    [0, 1, 5],
    [0, 1, 6],
    [1, 0, 0],
    [1, 0, 1],
    [1, 0, 2],
    [2, 2, 9],
    [2, 2, 10],
  ]);
  assertEquals(plan(ranges, [{ from: 0, to: 4 }]), undefined);
});
