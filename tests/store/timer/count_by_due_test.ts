import { assert, assertEquals } from "@std/assert";
import { denoFileSystem } from "../../../store/file_system.ts";
import { TimerStore } from "../../../store/timer/timer_store.ts";

/** Units of one page of a run. */
const PAGE = 64;

Deno.test("TimerIndex.countByDue() counts what waits in memory exactly, and in a run to a page", () => {
  const timers = new TimerStore(denoFileSystem, Deno.makeTempDirSync(), (error) => {
    throw error;
  });
  timers.create(7);
  const { index } = timers;
  const add = (due: number, queueOffset: number) =>
    index.add({ due, queueOffset, physicalOffset: queueOffset * 100, size: 100 }, "T", 0);
  for (let n = 0; n < 1_000; n++) add(1_000 + n, n);
  const until = [999, 1_099, 1_499, 5_000];
  assertEquals(index.countByDue(until), [0, 100, 400, 500]);
  for (const entry of index.take(1_049, { countMax: 50, bytesMax: 1e6, isHeld: () => false })) {
    index.end(entry);
  }
  timers.flush();
  add(4_000, 1_000);
  const counts = index.countByDue(until);
  assertEquals(counts.reduce((sum, count) => sum + count), index.count);
  for (const [at, exact] of [0, 50, 400, 501].entries()) {
    assert(Math.abs(counts[at]! - exact) < PAGE, `${counts} is about 0,50,400,501`);
  }
  assertEquals(index.countByDue([500]), [0]);
  timers.close();
});
