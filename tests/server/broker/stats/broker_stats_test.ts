import { assertEquals } from "@std/assert";
import { BrokerStats } from "../../../../server/broker/stats/broker_stats.ts";
import { PutLatency } from "../../../../server/broker/stats/put_latency.ts";

/** At noon here. */
const NOON = new Date(2026, 10, 24, 12).getTime();

function setup() {
  const clock = { millis: NOON };
  const stats = new BrokerStats({
    now: () => clock.millis,
    seriesMax: 10,
    isSystemTopic: (topic) => topic.startsWith("SYS"),
  });
  return {
    clock,
    stats,
    /** Lets seconds go by, each with so many messages of 100 bytes. */
    pass(seconds: number, messages = 0) {
      for (let second = 0; second < seconds; second++) {
        for (let n = 0; n < messages; n++) stats.arrived("T", 100, clock.millis);
        clock.millis += 1_000;
        stats.sample();
      }
    },
    [Symbol.dispose]: () => stats[Symbol.dispose](),
  };
}

Deno.test("BrokerStats tells messages per second over 10, 60 and 600 seconds", () => {
  using setupped = setup();
  const { stats, pass } = setupped;
  pass(600, 1);
  pass(50, 3);
  pass(10, 7);
  const rates = stats.perSecond(({ put }) => put).map((rate) => Math.round(rate * 100) / 100);
  assertEquals(
    rates,
    [7, (50 * 3 + 70) / 60, (540 + 150 + 70) / 600].map((rate) => Math.round(rate * 100) / 100),
  );
});

Deno.test("BrokerStats counts by topic in the last minute, hour and day", () => {
  using setupped = setup();
  const { stats, pass } = setupped;
  pass(3_600, 1);
  pass(60, 2);
  const found = stats.find("TOPIC_PUT_NUMS", "T")!;
  assertEquals([found.minute.sum, found.minute.tps, found.minute.avgpt], [120, 2, 1]);
  assertEquals([found.hour.sum, found.day.sum], [3_720, 3_720]);
  assertEquals(stats.find("TOPIC_PUT_SIZE", "T")!.minute.sum, 12_000);
  assertEquals(stats.topicPutTps("T"), 2);
  pass(120);
  assertEquals(stats.topicPutTps("T"), 0);
  assertEquals(stats.find("TOPIC_PUT_NUMS", "U"), undefined);
  assertEquals(stats.find("NO_SUCH", "T"), undefined);
});

Deno.test("BrokerStats counts what groups get, and forgets groups and topics", () => {
  using setupped = setup();
  const { stats, pass } = setupped;
  const parts = [new Uint8Array(30), new Uint8Array(12)];
  for (const group of ["G", "H"]) stats.looked("T", group, 3, parts);
  stats.looked("T", "G", 0, []);
  pass(10);
  assertEquals(stats.totals, { put: 0, found: 2, miss: 1, transferred: 6 });
  assertEquals(stats.find("GROUP_GET_NUMS", "T@G")!.minute.avgpt, 3);
  assertEquals(stats.find("GROUP_GET_SIZE", "T@G")!.minute.sum, 42);
  stats.forgetGroup("G");
  assertEquals([stats.groupGetTps("G", "T"), stats.groupGetTps("H", "T") > 0], [0, true]);
  stats.forgetTopic("T");
  assertEquals(stats.groupGetTps("H", "T"), 0);
});

Deno.test("BrokerStats remembers the day's beginning, without system topics", () => {
  using setupped = setup();
  const { stats, clock } = setupped;
  stats.arrived("T", 1, clock.millis);
  stats.arrived("SYS", 1, clock.millis);
  clock.millis = NOON + 13 * 3_600_000;
  stats.sample();
  stats.looked("T", "G", 2, []);
  assertEquals(stats.day.now, { put: 1, get: 2 });
  assertEquals(stats.day.todayMorning, { put: 1, get: 0 });
  assertEquals(stats.day.yesterdayMorning, { put: 0, get: 0 });
});

Deno.test("PutLatency shows the minute that is over", () => {
  const latency = new PutLatency();
  for (let n = 0; n < 98; n++) latency.add(3);
  latency.add(70);
  latency.add(12_345);
  assertEquals(latency.percentile(0.99), 0);
  latency.roll();
  assertEquals([latency.percentile(0.5), latency.percentile(0.99)], [3, 70]);
  assertEquals(latency.percentile(0.999), 10_000);
  assertEquals(latency.maxMillis, 12_345);
  const shown = latency.distribution().split(" ").filter((entry) => !/:0$|^$/.test(entry));
  assertEquals(shown, ["[0~10ms]:98", "[50~100ms]:1", "[10s~]:1"]);
});
