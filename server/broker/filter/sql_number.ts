/** Number constants of a SQL92 filter. Source: ConstantExpression.java of Apache RocketMQ 5.3.3. */

import { compareJavaDoubles, parseJavaInteger, parseJavaLong } from "./java_number.ts";
import type { NumberConstant } from "./sql_expression.ts";
import { shortened, type Token } from "./sql_lexer.ts";

/** The number that a word stands for, or why it stands for none. */
export function createNumber(
  { kind, image }: Pick<Token, "kind" | "image">,
): NumberConstant | string {
  if (kind === "FLOATING_NUMBER") return createDouble(image);
  const value = parseJavaLong(image.replace(/[lL]$/, ""));
  if (value === undefined) return `The number ${shortened(image)} does not fit into 64 bits`;
  const isInteger = parseJavaInteger(String(value)) !== undefined;
  return { kind: "number", type: isInteger ? "INTEGER" : "LONG", value };
}

function createDouble(image: string): NumberConstant | string {
  const value = Number(image);
  if (value === Infinity) {
    return `The number ${shortened(image)} is greater than ${Number.MAX_VALUE}`;
  }
  // Apache refuses a written 0.0 for being less than the smallest number.
  const isZero = !/[1-9]/.test(image.replace(/[eE].*/, ""));
  if (value === 0 && !isZero) {
    return `The number ${shortened(image)} is less than ${Number.MIN_VALUE}`;
  }
  return { kind: "number", type: "DOUBLE", value };
}

/** Less than, equal to or greater than zero as `left` compares to `right`. */
export function compareNumbers(left: NumberConstant, right: NumberConstant): -1 | 0 | 1 {
  if (left.type === "DOUBLE" || right.type === "DOUBLE") {
    return compareJavaDoubles(Number(left.value), Number(right.value));
  }
  return compareWhole(left.value, right.value);
}

/** Compares whole numbers exactly. */
export function compareWhole(left: number | bigint, right: number | bigint): -1 | 0 | 1 {
  if (left < right) return -1;
  return left > right ? 1 : 0;
}
