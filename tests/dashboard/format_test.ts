import { assertEquals } from "@std/assert";
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  formatShort,
  fromLocalInput,
  hexDump,
  prettyJson,
  shellQuote,
  toLocalInput,
} from "../../dashboard/format.ts";

Deno.test("rates and counts are short, from nothing to millions", () => {
  const values = [0, 0.04, 0.44, 9.96, 12.4, 999.4, 1000, 1234, 15_499, 999_700, 3_400_000];
  assertEquals(values.map(formatRate), [
    "0",
    "0",
    "0.4",
    "10",
    "12",
    "999",
    "1k",
    "1.2k",
    "15k",
    "1M",
    "3.4M",
  ]);
  assertEquals(formatShort(-1500), "-1.5k");
});

Deno.test("bytes, parts and spans are written with their units", () => {
  assertEquals([0, 1023, 1536, 10_485_760, 5e13].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.5 KiB",
    "10 MiB",
    "45.5 TiB",
  ]);
  assertEquals([0, 0.0042, 0.873, 1].map(formatPercent), ["0 %", "0.4 %", "87 %", "100 %"]);
  assertEquals([0, 2.25, 350, 2400, 60_000, 185_000, 187_200_000, -5000].map(formatDuration), [
    "0 ms",
    "2.3 ms",
    "350 ms",
    "2.4 s",
    "1 min",
    "3 min 5 s",
    "2 d 4 h",
    "-5 s",
  ]);
});

Deno.test("a time goes through its field unchanged, to the second", () => {
  const timestamp = 1_795_540_611_000;
  assertEquals(fromLocalInput(toLocalInput(timestamp)), timestamp);
  assertEquals(fromLocalInput(""), undefined);
  assertEquals(fromLocalInput("soon"), undefined);
});

Deno.test("a hex dump has sixteen bytes in a line, and dots for what cannot be printed", () => {
  const bytes = Uint8Array.from([0x41, 0x00, 0xff, ...new TextEncoder().encode("0123456789abcd")]);
  assertEquals(
    hexDump(bytes),
    "00000000  41 00 ff 30 31 32 33 34  35 36 37 38 39 61 62 63  A..0123456789abc\n" +
      "00000010  64                                                d",
  );
});

Deno.test("only objects and lists are laid out as JSON", () => {
  assertEquals(prettyJson('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}');
  assertEquals(prettyJson("12"), undefined);
  assertEquals(prettyJson("{a:1}"), undefined);
});

Deno.test("shellQuote() keeps plain words and quotes the rest", () => {
  assertEquals(shellQuote("http://x:80/a"), "http://x:80/a");
  assertEquals(shellQuote("it's"), "'it'\\''s'");
});
