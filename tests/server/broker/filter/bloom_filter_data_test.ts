import { assertEquals } from "@std/assert";
import { bloomFilterData } from "../../../../server/broker/filter/bloom_filter_data.ts";

Deno.test("bloomFilterData() gives the bits that Apache gives", () => {
  // What Apache's own classes gave; the names hash in one block, in just two, and in one with a rest.
  const rows: [group: string, topic: string, bitPos: number[]][] = [
    ["é", "topic0", [12, 55, 98]],
    ["gé", "topic1", [63, 98, 4]],
    ["ggggggggé", "topic8", [44, 53, 104]],
    [
      "interop_java_mwuqcmpn_java_SQL92_another_expression_group_a",
      "interop_java_mwuqcmpn_java_SQL92_another_expression",
      [82, 5, 71],
    ],
    [
      "interop_go_mwuqdtba_go_SQL92_push_consumer_group_a",
      "interop_go_mwuqdtba_go_SQL92_push_consumer",
      [14, 77, 83],
    ],
  ];
  for (const [group, topic, bitPos] of rows) {
    assertEquals(bloomFilterData(group, topic), { bitNum: 112, bitPos });
  }
});
