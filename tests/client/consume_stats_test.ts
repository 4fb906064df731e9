import { assertEquals } from "@std/assert";
import { ConsumeStats } from "../../client/consume_stats.ts";

Deno.test("ConsumeStats gives the rates of the last minute and the failures of the last hour", () => {
  let now = 1_000_000;
  const stats = new ConsumeStats(() => now);
  stats.consumed("T", 30, 100, false);
  now += 120_000;
  stats.pulled("T", 60, 20);
  stats.pulled("T", 60, 40);
  stats.consumed("T", 90, 300, true);
  now += 5_000;
  stats.consumed("T", 30, 100, false);
  assertEquals(stats.statusTable().get("T"), {
    pullRT: 30,
    pullTPS: 2,
    consumeRT: 200,
    consumeOKTPS: 1.5,
    consumeFailedTPS: 0.5,
    consumeFailedMsgs: 60,
  });
  now += 3_600_000;
  stats.pulled("T", 6, 0);
  assertEquals(stats.statusTable().get("T")!.consumeFailedMsgs, 0);
  assertEquals(stats.statusTable().get("T")!.pullTPS, 0.1);
  assertEquals([...stats.statusTable().keys()], ["T"]);
});
