import { assertEquals, assertThrows } from "@std/assert";
import {
  readTime,
  readValues,
  required,
  text,
  toggle,
} from "../../../server/admin_cli/admin_flags.ts";
import {
  changeOutput,
  formatTable,
  partsOutput,
  recordOutput,
  tableOutput,
  timeText,
} from "../../../server/admin_cli/admin_output.ts";
import { readAttributes } from "../../../server/admin_cli/topic_commands.ts";
import { UsageError } from "../../../server/flags.ts";

const ROWS = [{ name: "a", count: 5 }, { name: "long name", count: undefined }, {
  name: "",
  count: 1234,
}];

Deno.test("formatTable() sets numbers to the right and shows what is missing", () => {
  const table = formatTable(ROWS, { Name: (row) => row.name, Count: (row) => row.count });
  assertEquals(table, "Name       Count\na              5\nlong name      -\n-           1234\n");
});

Deno.test("formatTable() lets no text move the cursor", () => {
  const table = formatTable(["\x1b[2Jx\n"], { Text: (row) => row });
  assertEquals(table, "Text\n\\x1b[2Jx\\n\n");
});

Deno.test("recordOutput() leaves out what is not there", () => {
  const output = recordOutput({ a: 1, longer: "x", gone: undefined, none: null, list: [1] });
  assertEquals(output.text(), "a       1\nlonger  x\nlist    [1]\n");
});

Deno.test("partsOutput() puts outputs under each other, and their data under names", () => {
  const failures = [{ brokerName: "b", brokerAddr: "x:1", detail: "gone" }];
  const output = partsOutput({
    rows: tableOutput([1], { N: (row) => row }, { failures }),
    empty: { data: undefined, text: () => "" },
    sum: recordOutput({ sum: 1 }),
  });
  assertEquals(output.text(), "N\n1\n\nsum  1\n");
  assertEquals(output.data, { rows: [1], empty: undefined, sum: { sum: 1 } });
  assertEquals(output.failures, failures);
});

Deno.test("changeOutput() tells what each broker did", () => {
  const broker = { clusterName: "c", brokerName: "b", brokerId: 0, brokerAddr: "x:1" };
  const failures = [{ brokerName: "d", brokerAddr: "x:2", detail: "gone" }];
  const output = changeOutput({ answers: [{ broker, value: 0 }], failures }, "done", {
    topic: "T",
  });
  assertEquals(output.text(), "Broker  Address  Result\nb       x:1      done\n");
  const brokers = [{ brokerName: "b", brokerAddr: "x:1", result: "done" }];
  assertEquals(output.data, { topic: "T", brokers, failures });
});

Deno.test("readTime() reads all forms of a time", () => {
  assertEquals(readTime("now", "t", 7), 7);
  assertEquals(readTime("1700000000000", "t", 7), 1_700_000_000_000);
  assertEquals(readTime("-1", "t", 7), -1);
  assertEquals(readTime("2026-01-31T08:00:00Z", "t", 7), Date.UTC(2026, 0, 31, 8));
  assertEquals(
    readTime("2026-01-31#08:00:00:250", "t", 7),
    new Date(2026, 0, 31, 8, 0, 0, 250).getTime(),
  );
  assertThrows(() => readTime("tomorrow", "t", 7), UsageError, "--t is now");
});

Deno.test("timeText() shows what readTime() reads", () => {
  const time = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
  assertEquals(timeText(time), "2026-01-02 03:04:05.006");
  assertEquals([timeText(0), timeText(-1), timeText(undefined)], [undefined, undefined, undefined]);
});

Deno.test("readValues() wants what is required, and reads switches", () => {
  const flags = { topic: required(text("t", "TOPIC", "the topic")), all: toggle("a", "all") };
  assertEquals(readValues(flags, { topic: "T", all: false }, 0), { topic: "T", all: false });
  assertThrows(
    () => readValues(flags, { all: true }, 0),
    UsageError,
    "--topic is missing: -t TOPIC",
  );
});

Deno.test("readAttributes() reads what is set and what is taken away", () => {
  assertEquals(readAttributes("+a=b=c,-d"), { a: "b=c", d: null });
  assertEquals(readAttributes(undefined), undefined);
  assertThrows(() => readAttributes("a=b"), UsageError, 'not "a=b"');
});
