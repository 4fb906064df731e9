import { assertEquals } from "@std/assert";
import { fromHex, getInt64, viewOf } from "../../../client/protocol/bytes.ts";
import { denoFileSystem } from "../../../store/file_system.ts";
import {
  readTimerCheckpoint,
  readTimerLog,
  type TimerLogEntry,
  TimerLogWriter,
  writeTimerCheckpoint,
} from "../../../store/timer/apache_files.ts";

/** What Apache's broker 5.3.3 wrote for six messages, the fifth of which cancels the sixth; the second is in a slot of its own. */
const APACHE_LOG =
  "00000034ffffffffffffffff00000001000001a20dd19df800000bb800000000000000b5000001129551cdcf0000000000000000" +
  "00000034ffffffffffffffff00000001000001a20dd19df8000007d000000000000001c7000001059551cdcf0000000000000000" +
  "00000034000000000000000000000001000001a20dd19df800000bb800000000000002cc000001079551cdcf0000000000000000" +
  "00000034000000000000006800000001000001a20dd19df800000bb800000000000003d30000013b9551cdcf0000000000000000" +
  "00000034000000000000009c00000005000001a20dd19df800000bb800000000000005ce000001259551cdcf0000000000000000" +
  "0000003400000000000000d000000001000001a20dd19df800000bb800000000000006f3000001079551cdcf0000000000000000";
const APACHE_CHECKPOINT = "000001a20e2f69b000000000000001380000000000000006000000000000" +
  "00060000000000000000000001a20e2f6a200000000000001597";

function writerOf(storeFolder: string, fileBytes: number, now = 10_000): TimerLogWriter {
  const fileSystem = denoFileSystem;
  return new TimerLogWriter({ fileSystem, storeFolder, fileBytes, precisionMs: 1_000, now });
}

function entry(slotTime: number, physicalOffset = 0, magic = 1): TimerLogEntry {
  return { slotTime, magic, physicalOffset, size: 7, topicHash: 99 };
}

Deno.test("readTimerLog() reads what Apache's broker wrote, and TimerLogWriter writes the same", async () => {
  const folder = Deno.makeTempDirSync();
  Deno.mkdirSync(`${folder}/timerlog`);
  const log = fromHex(APACHE_LOG);
  const path = `${folder}/timerlog/00000000000000000000`;
  Deno.writeFileSync(path, log);
  Deno.truncateSync(path, 4096);
  const units = [...readTimerLog(denoFileSystem, folder)];
  assertEquals(units.map(({ magic, physicalOffset, size }) => [magic, physicalOffset, size]), [
    [1, 0xb5, 274],
    [1, 0x1c7, 261],
    [1, 0x2cc, 263],
    [1, 0x3d3, 315],
    [5, 0x5ce, 293],
    [1, 0x6f3, 263],
  ]);
  const now = getInt64(viewOf(log), 16);
  assertEquals(units.map(({ slotTime }) => slotTime - now), [3000, 2000, 3000, 3000, 3000, 3000]);
  const writer = writerOf(folder, 4096, now);
  writer.expectAgain([units[0]!.slotTime]);
  for (const unit of units) writer.put({ ...unit, topicHash: viewOf(log).getInt32(40) });
  await writer.finish();
  const written = Deno.readFileSync(path);
  assertEquals(written.length, 4096);
  assertEquals(written.subarray(0, log.length), log);
  assertEquals(written.subarray(log.length).every((byte) => byte === 0), true);
});

Deno.test("TimerLogWriter goes on in further files and links the units of a slot", async () => {
  const folder = Deno.makeTempDirSync();
  const fileBytes = 52 * 4 + 20;
  const writer = writerOf(folder, fileBytes);
  writer.expectAgain([30_500]);
  const slots = [11_000, 11_999, 12_000, 30_000, 13_000, 13_100, 13_200, 14_000, 30_900, 30_100];
  slots.forEach((slotTime, index) => writer.put(entry(slotTime, index)));
  await writer.finish();
  const units = [...readTimerLog(denoFileSystem, folder)];
  assertEquals(units.map(({ slotTime }) => slotTime), slots);
  const names = [...Deno.readDirSync(`${folder}/timerlog`)].map(({ name }) => name).sort();
  assertEquals(names.map(Number), [0, fileBytes, fileBytes * 2]);
  const positions = slots.map((_, index) => Math.floor(index / 4) * fileBytes + index % 4 * 52);
  const previous = names.flatMap((name) => {
    const bytes = Deno.readFileSync(`${folder}/timerlog/${name}`);
    assertEquals(bytes.length, fileBytes);
    return [0, 1, 2, 3].map((unit) => getInt64(viewOf(bytes), unit * 52 + 4));
  }).slice(0, slots.length);
  assertEquals(previous, [-1, 0, -1, -1, -1, 4, 5, -1, 3, 8].map((of) => positions[of] ?? -1));
  // A new log takes the place of the old one.
  const again = writerOf(folder, fileBytes);
  again.put(entry(15_000));
  await again.finish();
  assertEquals([...readTimerLog(denoFileSystem, folder)].length, 1);
});

Deno.test("writeTimerCheckpoint() keeps what Apache notes behind its own fields", async () => {
  const folder = Deno.makeTempDirSync();
  assertEquals(readTimerCheckpoint(denoFileSystem, folder), undefined);
  Deno.mkdirSync(`${folder}/config`);
  const bytes = fromHex(APACHE_CHECKPOINT);
  Deno.writeFileSync(`${folder}/config/timercheck`, bytes);
  assertEquals(readTimerCheckpoint(denoFileSystem, folder), {
    lastReadTimeMs: 1795534318000,
    lastTimerLogFlushPos: 312,
    lastTimerQueueOffset: 6,
    masterTimerQueueOffset: 6,
  });
  const checkpoint = {
    lastReadTimeMs: 1,
    lastTimerLogFlushPos: 0,
    lastTimerQueueOffset: 2,
    masterTimerQueueOffset: 3,
  };
  await writeTimerCheckpoint(denoFileSystem, folder, checkpoint);
  assertEquals(readTimerCheckpoint(denoFileSystem, folder), checkpoint);
  const written = Deno.readFileSync(`${folder}/config/timercheck`);
  assertEquals(written.length, 4096);
  assertEquals(written.subarray(32, 56), bytes.subarray(32, 56));
});
