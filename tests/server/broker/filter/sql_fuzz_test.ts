import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../client/protocol/bytes.ts";
import { compileCondition } from "../../../../server/broker/filter/sql_condition.ts";
import {
  isCondition,
  type PropertyExpression,
  type SqlExpression,
} from "../../../../server/broker/filter/sql_expression.ts";
import { SqlSyntaxError } from "../../../../server/broker/filter/sql_lexer.ts";
import { parseSql } from "../../../../server/broker/filter/sql_parser.ts";
import { seededRandom } from "../../../helpers/random.ts";

type Random = (below: number) => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[random(list.length)]!;

const PIECES = [
  ..."AND OR NOT BETWEEN IN TRUE FALSE NULL IS CONTAINS STARTSWITH ENDSWITH and iN".split(" "),
  ..."= <> > >= < <= ( ) , + - -- /* */ ' '' \" ! # a b5 5 5L 0 1.5 .5 1e3 'x' 'it''s'".split(" "),
  ...[" ", "\n", "\r\n", "\t", "\0", "é", "\ud83d", "-- c\n", "/* c */"],
];

/** Reads and evaluates; gives the refusal when it is none. */
function refusalOf(expression: string): SqlSyntaxError | undefined {
  try {
    const { properties, test } = compileCondition(parseSql(expression));
    const bytes = encodeUtf8("a\u00015\u0002b5\u0001x\u0002");
    properties.load(bytes, 0, bytes.length);
    assert(test() >= 0);
    return undefined;
  } catch (error) {
    assert(error instanceof SqlSyntaxError, `${JSON.stringify(expression)}: ${error}`);
    return error;
  }
}

function isInside(expression: string, { line, column }: SqlSyntaxError): boolean {
  const text = expression.split(/\r\n|\n|\r/)[line - 1];
  return text !== undefined && column >= 1 && column <= [...text].length + 1;
}

Deno.test("any row of words is a filter or is refused at a place in it", () => {
  const random = seededRandom();
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const separator = pick(random, ["", " ", " "]);
    const words = Array.from({ length: 1 + random(12) }, () => pick(random, PIECES));
    const expression = words.join(separator);
    const refusal = refusalOf(expression);
    if (refusal === undefined) taken++;
    else assert(isInside(expression, refusal), `${JSON.stringify(expression)}: ${refusal.message}`);
  }
  assert(taken > 100, `${taken}`);
});

const NAMES = ["a", "b_1", "$c", "TAGS", "notIn", "E1"];
const TEXTS = ["", "x", "it's", "''", "-- /*", "a\nb", "\u00e9\ud83d\ude00"];

function property(random: Random): PropertyExpression {
  return { kind: "property", name: pick(random, NAMES) };
}

function value(random: Random, depth: number): SqlExpression {
  const choice = random(depth > 0 ? 6 : 4);
  if (choice === 0) return { kind: "text", value: pick(random, TEXTS) };
  if (choice === 1) return pick(random, NUMBERS);
  if (choice < 4) return property(random);
  if (choice === 4) return { kind: "negate", operand: value(random, depth - 1) };
  const chosen = condition(random, depth - 1);
  return chosen.kind === "cast" ? chosen.operand : chosen;
}

const NUMBERS: readonly SqlExpression[] = [
  { kind: "number", type: "INTEGER", value: 0 },
  { kind: "number", type: "INTEGER", value: 2_147_483_647 },
  { kind: "number", type: "LONG", value: 2_147_483_648 },
  { kind: "number", type: "LONG", value: 9_223_372_036_854_775_807n },
  { kind: "number", type: "DOUBLE", value: 0.5 },
  { kind: "number", type: "DOUBLE", value: 1e300 },
];

function ordered(random: Random, depth: number): SqlExpression {
  const chosen = value(random, depth);
  return chosen.kind === "text" || isCondition(chosen) ? pick(random, NUMBERS) : chosen;
}

function condition(random: Random, depth: number): SqlExpression {
  const operands = () => Array.from({ length: 2 + random(3) }, () => condition(random, depth - 1));
  switch (random(depth > 0 ? 9 : 5)) {
    case 0:
      return { kind: "cast", operand: property(random) };
    case 1:
      return {
        kind: "order",
        operator: pick(random, ["<", "<=", ">", ">="]),
        left: ordered(random, depth - 1),
        right: ordered(random, depth - 1),
      };
    case 2:
      return {
        kind: "in",
        operand: property(random),
        values: Array.from({ length: 1 + random(6) }, () => pick(random, TEXTS)),
        negated: random(2) === 0,
      };
    case 3:
      return {
        kind: "match",
        operator: pick(random, ["CONTAINS", "STARTSWITH", "ENDSWITH"]),
        operand: value(random, depth - 1),
        search: pick(random, TEXTS),
        negated: random(2) === 0,
      };
    case 4:
      return { kind: "truth", value: pick(random, [true, false, null]) };
    case 5:
      return { kind: "not", operand: condition(random, depth - 1) };
    case 6:
      return { kind: "and", operands: operands() };
    case 7:
      return { kind: "or", operands: operands() };
    default:
      return { kind: "equal", left: property(random), right: equalRight(random, depth) };
  }
}

function equalRight(random: Random, depth: number): SqlExpression {
  return random(4) === 0 ? { kind: "truth", value: null } : notNull(value(random, depth - 1));
}

function notNull(expression: SqlExpression): SqlExpression {
  const isNull = expression.kind === "truth" && expression.value === null;
  return isNull ? { kind: "truth", value: true } : expression;
}

/** Writes a tree so that it can only be read as itself. */
function print(random: Random, expression: SqlExpression): string {
  const space = () => pick(random, [" ", " ", "\n", "\t", " /* c */ ", " -- c\r\n"]);
  const word = (text: string) => random(2) === 0 ? text : text.toLowerCase();
  const inner = (part: SqlExpression) => `(${print(random, part)})`;
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  const not = (negated: boolean) => negated ? word("NOT") + space() : "";
  switch (expression.kind) {
    case "number":
      return String(expression.value) + (expression.type === "LONG" ? pick(random, ["", "L"]) : "");
    case "text":
      return text(expression.value);
    case "property":
      return expression.name;
    case "truth":
      return word(String(expression.value).toUpperCase());
    case "cast":
      return expression.operand.name;
    case "negate":
      return `-${space()}${inner(expression.operand)}`;
    case "not":
      return `${word("NOT")}${space()}${inner(expression.operand)}`;
    case "and":
    case "or":
      return expression.operands.map(inner)
        .join(space() + word(expression.kind.toUpperCase()) + space());
    case "order":
      return inner(expression.left) + expression.operator + inner(expression.right);
    case "equal": {
      const { left, right } = expression;
      const isNull = right.kind === "truth" && right.value === null;
      return isNull
        ? inner(left) + space() + word("IS") + space() + word("NULL")
        : `${inner(left)}=${inner(right)}`;
    }
    case "in":
      return `${expression.operand.name} ${not(expression.negated)}${word("IN")}` +
        `${space()}(${expression.values.map(text).join(` ,${space()}`)})`;
    case "match":
      return `${inner(expression.operand)}${space()}${not(expression.negated)}` +
        `${word(expression.operator)}${space()}${text(expression.search)}`;
  }
}

Deno.test("a tree that is written and read again is the same tree", () => {
  const random = seededRandom();
  for (let round = 0; round < 3_000; round++) {
    const tree = condition(random, random(5));
    const expression = print(random, tree);
    assertEquals(parseSql(expression), tree, expression);
    assertEquals(refusalOf(expression), undefined);
  }
});
