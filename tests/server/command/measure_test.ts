import { assertEquals } from "@std/assert";
import { Latencies } from "../../../server/command/bench/measure.ts";

Deno.test("Latencies.summary() gives the shares of what was added, more than was expected", () => {
  const latencies = new Latencies(1);
  for (let millis = 1000; millis >= 1; millis--) latencies.add(millis);
  assertEquals(latencies.summary(), { median: 501, p99: 991, p999: 1000, max: 1000 });
  assertEquals(new Latencies(0).summary(), { median: 0, p99: 0, p999: 0, max: 0 });
});
