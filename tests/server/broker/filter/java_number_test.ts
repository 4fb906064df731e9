import { assertEquals } from "@std/assert";
import {
  compareJavaDoubles,
  parseJavaDouble,
  parseJavaInteger,
  parseJavaLong,
} from "../../../../server/broker/filter/java_number.ts";

Deno.test("parseJavaInteger() and parseJavaLong() read what Java's do", () => {
  const rows: [text: string, integer: number | undefined, long: number | bigint | undefined][] = [
    ["0", 0, 0],
    ["-0", 0, 0],
    ["+7", 7, 7],
    ["-2147483648", -2147483648, -2147483648],
    ["2147483648", undefined, 2147483648],
    ["9007199254740991", undefined, 9007199254740991],
    ["9007199254740993", undefined, 9007199254740993n],
    ["-9223372036854775808", undefined, -9223372036854775808n],
    ["9223372036854775808", undefined, undefined],
    ["99999999999999999999", undefined, undefined],
    [`${"0".repeat(30_000)}12`, 12, 12],
    [`-${"0".repeat(40)}`, 0, 0],
    ["٣", 3, 3],
    ["-１２", -12, -12],
    ["१9", 19, 19],
    ["߉", 9, 9],
    ["Ⅷ", undefined, undefined],
    ["²", undefined, undefined],
    ["𝟏", undefined, undefined],
    ...["", "+", "-", "+-1", " 1", "1 ", "1.", "1L", "0x1", "1e1", "\ud835"].map((text) =>
      [text, undefined, undefined] as [string, undefined, undefined]
    ),
  ];
  for (const [text, integer, long] of rows) {
    assertEquals([text, parseJavaInteger(text)], [text, integer]);
    assertEquals([text, parseJavaLong(text)], [text, long]);
  }
});

Deno.test("parseJavaDouble() reads what Java's does", () => {
  const rows: [text: string, value: number | undefined][] = [
    ["5", 5],
    ["05.50", 5.5],
    ["\u0000 \t5\n", 5],
    ["\u00a05", undefined],
    [".5f", 0.5],
    ["5.D", 5],
    ["-1E-1d", -0.1],
    ["-0", -0],
    ["NaN", NaN],
    ["+NaN", NaN],
    ["-Infinity", -Infinity],
    ["1e999", Infinity],
    ["-1e-999", -0],
    ["0x1p0", 1],
    ["-0X.8P+1F", -1],
    ["0x1.8p1", 3],
    ["0xA.p0", 10],
    ["0x0p99999999999", 0],
    ["0x1p-1074", 5e-324],
    // Halfway between none and the smallest: to the even one. And just above the middle.
    ["0x1p-1075", 0],
    ["0x1.000001p-1075", 5e-324],
    ["0x3p-1075", 1e-323],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    ["0x1.fffffffffffff8p1023", Infinity],
    ["0x1.fffffffffffff7p1023", Number.MAX_VALUE],
    ["0x1p99999999999", Infinity],
    ["0x1p-99999999999", 0],
    [`0x${"f".repeat(400)}p-1600`, 1],
    ["0x20000000000001p0", 9007199254740992],
    ["0x20000000000003p0", 9007199254740996],
    ...["", " ", ".", "e5", "5e", "5e+", "5L", "5ff", "0x5", "0xp1", "0x.p1", "0b1", "0o7"].map((
      text,
    ) => [text, undefined] as [string, undefined]),
    ...["nan", "Inf", "infinity", "NaNf", "1_000", "1,5", "５", "--5"].map((text) =>
      [text, undefined] as [string, undefined]
    ),
  ];
  for (const [text, value] of rows) {
    assertEquals([text, parseJavaDouble(text)], [text, value]);
    if (value === 0) assertEquals(Object.is(parseJavaDouble(text), value), true, text);
  }
});

Deno.test("compareJavaDoubles() orders as Java's Double.compare", () => {
  const ordered = [-Infinity, -1, -0, 0, 5e-324, 1, Infinity, NaN];
  for (const [left, leftValue] of ordered.entries()) {
    for (const [right, rightValue] of ordered.entries()) {
      assertEquals(compareJavaDoubles(leftValue, rightValue), Math.sign(left - right));
    }
  }
});
