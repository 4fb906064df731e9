/**
 * Comparisons of a SQL92 filter. A property is text; compared with a number it is read as one of the number's own type,
 * and what is no such number is an error, which fails the whole filter for that message.
 * Source: ComparisonExpression.java of Apache RocketMQ 5.3.3.
 */

import {
  compareJavaDoubles,
  parseJavaDouble,
  parseJavaInteger,
  parseJavaLong,
} from "./java_number.ts";
import type { NumberConstant, NumberType, OrderOperator } from "./sql_expression.ts";
import { compareNumbers, compareWhole } from "./sql_number.ts";
import { constantTest, type Operand, type Test, type Text, Truth, truthOf } from "./sql_truth.ts";

const { FALSE, TRUE, NULL, ERROR } = Truth;

/** What an operator makes of less, equal and greater. */
type OrderTruths = readonly [less: Truth, equal: Truth, greater: Truth];

const ORDER_TRUTHS: Readonly<Record<OrderOperator, OrderTruths>> = {
  "<": [TRUE, FALSE, FALSE],
  "<=": [TRUE, TRUE, FALSE],
  ">": [FALSE, FALSE, TRUE],
  ">=": [FALSE, TRUE, TRUE],
};
const EQUAL_TRUTHS: OrderTruths = [FALSE, TRUE, FALSE];

/** `<`, `<=`, `>` and `>=`. A truth can only be the negative of what has none: NULL, or an error. */
export function orderTest(operator: OrderOperator, left: Operand, right: Operand): Test {
  const truths = ORDER_TRUTHS[operator];
  // What is NULL on the left leaves the right side unread.
  if (left.kind === "truth") return left.test;
  if (right.kind === "truth") {
    const { test } = right;
    if (left.kind === "number") return test;
    const { text } = left;
    return () => text() === null ? NULL : test();
  }
  if (left.kind === "number" && right.kind === "number") {
    return constantTest(truths[compareNumbers(left.number, right.number) + 1]!);
  }
  if (right.kind === "number") {
    return numberTest((left as TextOperand).text, right.number, truths, NULL);
  }
  if (left.kind === "number") return numberTest(right.text, left.number, mirrored(truths), NULL);
  return textOrderTest(left.text, right.text, truths);
}

type TextOperand = Extract<Operand, { kind: "text" }>;

function mirrored([less, equal, greater]: OrderTruths): OrderTruths {
  return [greater, equal, less];
}

const PARSERS: Readonly<Record<NumberType, (text: string) => number | bigint | undefined>> = {
  INTEGER: parseJavaInteger,
  LONG: parseJavaLong,
  DOUBLE: parseJavaDouble,
};

/** A property against a number; `absent` when the message lacks the property. */
function numberTest(
  text: Text,
  { type, value }: NumberConstant,
  truths: OrderTruths,
  absent: Truth,
): Test {
  const parse = PARSERS[type];
  const isDouble = type === "DOUBLE";
  return () => {
    const found = text();
    if (found === null) return absent;
    const number = parse(found);
    if (number === undefined) return ERROR;
    return truths[
      (isDouble
        ? compareJavaDoubles(number as number, value as number)
        : compareWhole(number, value)) + 1
    ]!;
  };
}

function textOrderTest(
  left: Text,
  right: Text,
  truths: OrderTruths,
): Test {
  return () => {
    const leftText = left();
    if (leftText === null) return NULL;
    const rightText = right();
    if (rightText === null) return NULL;
    const leftNumber = parseJavaDouble(leftText);
    const rightNumber = parseJavaDouble(rightText);
    if (leftNumber === undefined || rightNumber === undefined) return ERROR;
    return truths[compareJavaDoubles(leftNumber, rightNumber) + 1]!;
  };
}

/** `=`. Java's equality is not quite symmetric: NULL on the left makes it NULL, on the right alone FALSE. */
export function equalTest(left: Operand, right: Operand): Test {
  if (left.kind === "text" && right.kind === "text") return textEqualTest(left.text, right.text);
  if (left.kind === "number" && right.kind === "number") {
    return constantTest(truthOf(compareNumbers(left.number, right.number) === 0));
  }
  if (left.kind === "text" && right.kind === "number") {
    return numberTest(left.text, right.number, EQUAL_TRUTHS, NULL);
  }
  if (left.kind === "number" && right.kind === "text") {
    return numberTest(right.text, left.number, EQUAL_TRUTHS, FALSE);
  }
  const leftValue = valueOf(left);
  const rightValue = valueOf(right);
  return () => truthEqual(leftValue(), rightValue());
}

function textEqualTest(left: Text, right: () => string | null): Test {
  return () => {
    const leftText = left();
    const rightText = right();
    if (leftText === rightText) return TRUE;
    return leftText === null ? NULL : FALSE;
  };
}

/** A value beside a truth: text, a truth, NULL, undefined for an error, 0 for any number. */
type Value = string | boolean | null | undefined | 0;

/** By truth. */
const VALUES: readonly Value[] = [false, true, null, undefined];

function valueOf(operand: Operand): () => Value {
  if (operand.kind === "text") return operand.text;
  if (operand.kind === "number") return () => 0;
  const { test } = operand;
  return () => VALUES[test()];
}

function truthEqual(left: Value, right: Value): Truth {
  if (left === undefined || right === undefined) return ERROR;
  if (left === null) return right === null ? TRUE : NULL;
  if (typeof left === "boolean" && typeof right === "string") return textIsTruth(right, left);
  if (typeof left === "string" && typeof right === "boolean") return textIsTruth(left, right);
  return truthOf(left === right);
}

function textIsTruth(text: string, truth: boolean): Truth {
  return truthOf(/^true$/i.test(text) === truth);
}
