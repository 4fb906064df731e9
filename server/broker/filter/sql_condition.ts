/**
 * Turns a SQL92 filter into closures that come to what Apache's expression classes do.
 * Source: LogicExpression.java, UnaryExpression.java and ComparisonExpression.java of Apache RocketMQ 5.3.3.
 */

import { RecordProperties } from "./record_properties.ts";
import { equalTest, orderTest } from "./sql_comparison.ts";
import type { PropertyExpression, SqlExpression, TextOperator } from "./sql_expression.ts";
import { constantTest, type Operand, type Test, type Text, Truth, truthOf } from "./sql_truth.ts";

const { FALSE, TRUE, NULL, ERROR } = Truth;

/** The properties that a condition looks up. */
interface Scope {
  readonly properties: RecordProperties;
  readonly names: ReadonlyMap<string, number>;
}

/** A condition ready to be evaluated over one message after the other. */
export interface CompiledCondition {
  /** To be loaded with a message before `test`. */
  readonly properties: RecordProperties;
  readonly test: Test;
}

/** Turns a condition into closures. */
export function compileCondition(condition: SqlExpression): CompiledCondition {
  const names = new Map<string, number>();
  collectNames(condition, names);
  const properties = new RecordProperties([...names.keys()]);
  return { properties, test: testOf(condition, { properties, names }) };
}

function collectNames(expression: SqlExpression, names: Map<string, number>): void {
  if (expression.kind === "property" && !names.has(expression.name)) {
    names.set(expression.name, names.size);
  }
  for (const part of partsOf(expression)) collectNames(part, names);
}

function partsOf(expression: SqlExpression): readonly SqlExpression[] {
  if ("operand" in expression) return [expression.operand];
  if ("operands" in expression) return expression.operands;
  return "left" in expression ? [expression.left, expression.right] : [];
}

function operandOf(expression: SqlExpression, scope: Scope): Operand {
  switch (expression.kind) {
    case "number":
      return { kind: "number", number: expression };
    case "text":
      return { kind: "text", text: () => expression.value };
    case "property":
      return { kind: "text", text: textOf(expression, scope) };
    case "negate":
      return negated(operandOf(expression.operand, scope));
    default:
      return { kind: "truth", test: testOf(expression, scope) };
  }
}

function textOf({ name }: PropertyExpression, { properties, names }: Scope): Text {
  const index = names.get(name)!;
  return () => properties.text(index);
}

/** Only numbers have a negative; that of all else is NULL. */
function negated(operand: Operand): Operand {
  if (operand.kind === "truth") {
    const { test } = operand;
    return { kind: "truth", test: () => test() === ERROR ? ERROR : NULL };
  }
  if (operand.kind === "text") return { kind: "truth", test: () => NULL };
  const { type, value } = operand.number;
  // Java's whole zero has no sign.
  const opposite = type !== "DOUBLE" && value === 0 ? 0 : -value;
  return { kind: "number", number: { kind: "number", type, value: opposite } };
}

function testOf(expression: SqlExpression, scope: Scope): Test {
  switch (expression.kind) {
    case "truth": {
      const { value } = expression;
      return constantTest(value === null ? NULL : truthOf(value));
    }
    case "cast":
      return castTest(textOf(expression.operand, scope));
    case "not":
      return notTest(testOf(expression.operand, scope));
    case "and":
      return chainTest(expression.operands.map((part) => testOf(part, scope)), FALSE);
    case "or":
      return chainTest(expression.operands.map((part) => testOf(part, scope)), TRUE);
    case "order": {
      const left = operandOf(expression.left, scope);
      return orderTest(expression.operator, left, operandOf(expression.right, scope));
    }
    case "equal":
      return equalTest(operandOf(expression.left, scope), operandOf(expression.right, scope));
    case "in":
      return inTest(textOf(expression.operand, scope), expression.values, expression.negated);
    case "match":
      return matchTest(operandOf(expression.operand, scope), expression);
    default:
      throw new TypeError(`Invariant broken: ${expression.kind} is no condition`);
  }
}

/** A property alone is text, and text is never TRUE. */
function castTest(text: Text): Test {
  return () => text() === null ? NULL : FALSE;
}

function notTest(test: Test): Test {
  return () => {
    const truth = test();
    return truth === TRUE ? FALSE : truth === FALSE ? TRUE : truth;
  };
}

/** AND and OR: the `decisive` outcome ends the search, and so does an error. */
function chainTest(tests: readonly Test[], decisive: Truth): Test {
  const other = decisive === TRUE ? FALSE : TRUE;
  return () => {
    let truth: Truth = other;
    for (let index = 0; index < tests.length; index++) {
      const next = tests[index]!();
      if (next === decisive || next === ERROR) return next;
      if (next === NULL) truth = NULL;
    }
    return truth;
  };
}

function inTest(text: Text, values: readonly string[], negated: boolean): Test {
  const found = truthOf(!negated);
  const missing = truthOf(negated);
  const list = new Set(values);
  return () => {
    const value = text();
    return value === null ? NULL : list.has(value) ? found : missing;
  };
}

const MATCHES: Readonly<Record<TextOperator, (text: string, search: string) => boolean>> = {
  CONTAINS: (text, search) => text.includes(search),
  STARTSWITH: (text, search) => text.startsWith(search),
  ENDSWITH: (text, search) => text.endsWith(search),
};

/** FALSE, negated or not, for an empty search and for what is no text. */
function matchTest(
  operand: Operand,
  { operator, search, negated }: Extract<SqlExpression, { kind: "match" }>,
): Test {
  if (search === "" || operand.kind === "number") return constantTest(FALSE);
  if (operand.kind === "truth") {
    const { test } = operand;
    return () => test() === ERROR ? ERROR : FALSE;
  }
  const { text } = operand;
  const matches = MATCHES[operator];
  return () => {
    const value = text();
    return value === null ? FALSE : truthOf(matches(value, search) !== negated);
  };
}
