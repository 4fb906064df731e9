import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  EXPRESSION_LENGTH_MAX,
  NESTING_MAX,
  parseSql,
} from "../../../../server/broker/filter/sql_parser.ts";
import { SqlSyntaxError } from "../../../../server/broker/filter/sql_lexer.ts";

function refusalOf(expression: string): [reason: string, line: number, column: number] {
  const { message, line, column } = assertThrows(() => parseSql(expression), SqlSyntaxError);
  return [message.slice(0, message.lastIndexOf(", at line ")), line, column];
}

/** What Apache RocketMQ 5.3.3 refuses too, but without a place. */
const REFUSED: readonly (readonly [string, string, number, number])[] = [
  ["", "Expected a property, a number, a text or (, but the expression ends", 1, 1],
  ["a =", "Expected a property, a number, a text or (, but the expression ends", 1, 4],
  ["a = 'x' AND", "Expected a property, a number, a text or (, but the expression ends", 1, 12],
  ["a = 'x' AND OR b", "Expected a property, a number, a text or (, found OR", 1, 13],
  ["(a = 'x'", "Expected AND, OR or ), but the expression ends", 1, 9],
  ["(a = 'x' b", "Expected AND, OR or ), found b", 1, 10],
  ["a == 'x'", "Expected a property, a number, a text or (, found =; write = to compare", 1, 4],
  ["a != 'x'", "Unexpected character !: write <> for not equal", 1, 3],
  ['a = "x"', 'Unexpected character ": text stands in single quotes', 1, 5],
  ["a = 'x' && b = 'y'", "Unexpected character &: write AND", 1, 9],
  ["a = 'x' || b = 'y'", "Unexpected character |: write OR", 1, 9],
  ["a * 2 > 5", "Unexpected character *: there is no arithmetic", 1, 3],
  ["a = 'x", "The text that begins here has no closing quote", 1, 5],
  ["a = 'x''", "The text that begins here has no closing quote", 1, 8],
  ["a = 1 /* b", "The comment that begins here has no end", 1, 7],
  ["ä = 1", "Unexpected character ä", 1, 1],
  ["a = '😀' AND\n  b.c = 1", "Unexpected character .", 2, 4],
  ["a = 1 AND\r\nb ! 2", "Unexpected character !: write <> for not equal", 2, 3],
  ["a = 1 AND\r\n😀", "Unexpected character 😀", 2, 1],
  ["a = '😀' !", "Unexpected character !: write <> for not equal", 1, 9],
  ["a = NULL", "Nothing equals NULL: write IS NULL or IS NOT NULL", 1, 5],
  ["NULL <> a", "Nothing equals NULL: write IS NULL or IS NOT NULL", 1, 1],
  ["TRUE = 1", "TRUE cannot equal a number or text", 1, 8],
  ["FALSE <> 'x'", "FALSE cannot equal a number or text", 1, 10],
  ["a > 'x'", "Texts have no order: compare with a number, which has no quotes", 1, 5],
  ["'x' < a", "Texts have no order: compare with a number, which has no quotes", 1, 1],
  ["a > TRUE", "Only numbers and properties have an order, this is a condition", 1, 5],
  ["a > NULL", "Only numbers and properties have an order, this is a condition", 1, 5],
  ["1 < a < 3", "Only numbers and properties have an order, this is a condition", 1, 1],
  ["NOT a > 1", "Only numbers and properties have an order, this is a condition", 1, 1],
  ["a BETWEEN 1", "Expected AND between the limits of BETWEEN, but the expression ends", 1, 12],
  [
    "a BETWEEN 'x' AND 'z'",
    "Texts have no order: compare with a number, which has no quotes",
    1,
    11,
  ],
  ["a BETWEEN 3 AND 1", "The second limit of BETWEEN is less than the first", 1, 17],
  ["a BETWEEN 1 AND NULL", "Only numbers and properties have an order, this is a condition", 1, 17],
  ["a IN ()", "Expected a text in single quotes, found )", 1, 7],
  ["a IN ('x' 'y')", "Expected a comma or ) in the list of IN, found 'y'", 1, 11],
  ["a IN 'x'", "Expected ( and a list of texts after IN, found 'x'", 1, 6],
  ["a IN (1)", "Expected a text in single quotes, found 1", 1, 7],
  ["a IN (NULL)", "Expected a text in single quotes, found NULL", 1, 7],
  ["'x' IN ('x')", "Only a property can be looked for IN a list", 1, 1],
  ["NOT a IN ('x')", "Only a property can be looked for IN a list", 1, 1],
  ["a IS 5", "Expected NULL or NOT NULL, found 5", 1, 6],
  ["a IS NOT 5", "Expected NULL, found 5", 1, 10],
  [
    "a NOT 'x'",
    "Expected BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH after NOT, found 'x'",
    1,
    7,
  ],
  ["a CONTAINS b", "Expected a text in single quotes, found b", 1, 12],
  ["a STARTSWITH", "Expected a text in single quotes, but the expression ends", 1, 13],
  ["5", "A condition is wanted here, this is a value", 1, 1],
  ["'x' AND TRUE", "A condition is wanted here, this is a value", 1, 1],
  ["TRUE OR -a", "A condition is wanted here, this is a value", 1, 9],
  ["NOT 5", "A condition is wanted here, this is a value", 1, 5],
  ["a > 9223372036854775808", "The number 9223372036854775808 does not fit into 64 bits", 1, 5],
  ["a > 1e309", "The number 1e309 is greater than 1.7976931348623157e+308", 1, 5],
  ["a > 1e-400", "The number 1e-400 is less than 5e-324", 1, 5],
];

/** What Apache takes, ignoring all from the place on. */
const CUT_SHORT: readonly (readonly [string, string, number, number])[] = [
  ["a = 1 b", "Expected AND, OR or the end of the expression, found b", 1, 7],
  ["a = 1)", "Expected AND, OR or the end of the expression, found )", 1, 6],
  ["a = 1, b = 2", "Expected AND, OR or the end of the expression, found ,", 1, 6],
  ["a = 007", "A whole number begins with another digit than 0", 1, 5],
  ["a = 0x10", "Expected AND, OR or the end of the expression, found x10", 1, 6],
  [
    "a LIKE 'x%'",
    "Expected AND, OR or the end of the expression, found LIKE; for LIKE there are CONTAINS, STARTSWITH and ENDSWITH",
    1,
    3,
  ],
  [
    "a = b + 1",
    "Expected AND, OR or the end of the expression, found +; there is no arithmetic",
    1,
    7,
  ],
  ["a = 1 b !", "Unexpected character !: write <> for not equal", 1, 9],
];

Deno.test("parseSql() says what is wrong, and where", () => {
  const rows = [...REFUSED, ...CUT_SHORT];
  assertEquals(rows.map(([expression]) => [expression, ...refusalOf(expression)] as const), rows);
});

Deno.test("parseSql() bounds how deep an expression nests, whatever nests", () => {
  const shapes: ((depth: number) => string)[] = [
    (depth) => "(".repeat(depth) + "a" + ")".repeat(depth),
    (depth) => "NOT ".repeat(depth) + "a",
    (depth) => "- ".repeat(depth) + "1 = 1",
    (depth) => "+".repeat(depth) + "a",
    (depth) => "a" + " IS NULL".repeat(depth + 1),
    (depth) => "a" + " CONTAINS 'x'".repeat(depth + 1),
    (depth) => "a" + " = a".repeat(depth + 1),
    (depth) => "a" + " IN ('x') = TRUE".repeat(1) + " = TRUE".repeat(depth),
  ];
  for (const shape of shapes) {
    parseSql(shape(NESTING_MAX));
    const [reason] = refusalOf(shape(NESTING_MAX + 1));
    assertEquals(/deeper than 200 levels|more than 200 chained/.test(reason), true, reason);
    assertThrows(() => parseSql(shape(4_000)), SqlSyntaxError);
  }
  assertEquals(refusalOf("(".repeat(60_000))[2], NESTING_MAX + 2);
});

Deno.test("parseSql() bounds the length of an expression", () => {
  const longest = `a = '${"x".repeat(EXPRESSION_LENGTH_MAX - 6)}'`;
  parseSql(longest);
  const [reason, line, column] = refusalOf(`${longest} `);
  assertEquals([reason, line, column], [
    `The expression is longer than ${EXPRESSION_LENGTH_MAX} characters`,
    1,
    EXPRESSION_LENGTH_MAX + 1,
  ]);
});

Deno.test("a refusal does not repeat a long word in full", () => {
  const words = ["b".repeat(1_000), "1".repeat(1_000), `${"1".repeat(1_000)}.5`];
  for (const word of words) {
    assertEquals(refusalOf(`a = 1 ${word}`)[0].length < 150, true);
    assertEquals(refusalOf(`a = -'x' + ${word}`)[0].length < 150, true);
  }
  assertEquals(refusalOf(`a = ${words[1]}`)[0].length < 150, true);
});

Deno.test("parseSql() takes no longer than in proportion to the length", () => {
  const pieces = ["-", "--", "0", "1", "1.", "'", "''", "a", "a ", "(", "/*", "/**/", "\n", "--\n"];
  for (const piece of [...pieces, "- ", "0 ", ".", "e1", "1e", "a=1 OR ", "NOT "]) {
    for (const start of ["", "a = ", "a = '"]) {
      const length = EXPRESSION_LENGTH_MAX - start.length;
      const expression = start + piece.repeat(Math.floor(length / piece.length));
      const began = performance.now();
      try {
        parseSql(expression);
      } catch (error) {
        assert(error instanceof SqlSyntaxError, String(error));
      }
      // What grows with the square takes minutes.
      assert(performance.now() - began < 5_000, JSON.stringify(expression.slice(0, 20)));
    }
  }
});
