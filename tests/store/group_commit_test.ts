import { assertEquals } from "@std/assert";
import { GroupCommit } from "../../store/flush.ts";

Deno.test("what is written in the turn in which a sync was told of is synced too", async () => {
  let written = 1;
  const synced = Promise.withResolvers<void>();
  const promised: number[] = [];
  const commit = new GroupCommit({
    flushDiskType: "SYNC_FLUSH",
    intervalMillis: 1_000,
    writtenOffset: () => written,
    sync: async () => {
      const offset = written;
      await Promise.resolve();
      return offset;
    },
    onPromised(offset) {
      promised.push(offset);
      if (offset === 3) synced.resolve();
      if (offset !== 2) return;
      queueMicrotask(() => {
        written = 3;
        commit.written();
      });
    },
    onFailure(error) {
      throw error;
    },
  });
  written = 2;
  commit.written();
  await synced.promise;
  assertEquals(promised, [2, 3]);
});
