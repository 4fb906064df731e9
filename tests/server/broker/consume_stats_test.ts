import { assertEquals } from "@std/assert";
import { printFastjson } from "../../../client/protocol/fastjson.ts";
import { type ConsumeStats, printConsumeStats } from "../../../server/broker/consume_stats.ts";

Deno.test("printConsumeStats() prints what printFastjson() prints", () => {
  const offsets = { brokerOffset: 5, consumerOffset: 2, lastTimestamp: 1_700_000_000_000 };
  const offsetTable: ConsumeStats["offsetTable"] = new Map();
  for (const topic of ["T", '%RETRY%"quoted"']) {
    for (const queueId of [0, 1]) {
      offsetTable.set({ brokerName: "b", queueId, topic }, { ...offsets, pullOffset: queueId });
    }
  }
  for (
    const stats of [{ consumeTps: 0.25, offsetTable }, { consumeTps: 0, offsetTable: new Map() }]
  ) {
    assertEquals(printConsumeStats(stats), printFastjson(stats));
  }
});
