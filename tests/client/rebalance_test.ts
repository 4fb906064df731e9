import { assertEquals } from "@std/assert";
import { allocateAveragely } from "../../client/rebalance.ts";

function queues(count: number, brokerName = "a") {
  return Array.from({ length: count }, (_, queueId) => ({ topic: "T", brokerName, queueId }));
}

Deno.test("allocateAveragely() gives neighbours, and one more to the first members", () => {
  const members = ["c", "a", "b"];
  const shares = [...members].sort().map((id) =>
    allocateAveragely(id, members, queues(8)).map(({ queueId }) => queueId)
  );
  assertEquals(shares, [[0, 1, 2], [3, 4, 5], [6, 7]]);
});

Deno.test("allocateAveragely() gives each queue to exactly one member, whatever the numbers", () => {
  for (let members = 1; members < 7; members++) {
    for (let count = 0; count < 15; count++) {
      const ids = Array.from({ length: members }, (_, index) => `id-${index}`);
      const all = [...queues(count, "b"), ...queues(2, "a")];
      const shares = ids.flatMap((id) => allocateAveragely(id, ids, all));
      assertEquals(
        shares.map(({ brokerName, queueId }) => `${brokerName}${queueId}`),
        [
          ...queues(2, "a"),
          ...queues(count, "b"),
        ].map(({ brokerName, queueId }) => `${brokerName}${queueId}`),
      );
    }
  }
});

Deno.test("allocateAveragely() gives nothing to who is not in the list", () => {
  assertEquals(allocateAveragely("x", ["a"], queues(4)), []);
});
