/**
 * Reads a SQL92 filter expression.
 *
 * ```
 *  or          and ( OR and )*
 *  and         equality ( AND equality )*
 *  equality    comparison ( (= | <>) comparison | IS [NOT] NULL )*
 *  comparison  unary ( (> | >= | < | <=) unary | [NOT] BETWEEN unary AND unary | [NOT] IN ( text, … )
 *                    | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) text )*
 *  unary       (+ | - | NOT) unary | number | text | TRUE | FALSE | NULL | identifier | ( or )
 * ```
 * So NOT binds closer than a comparison: `NOT a = 'x'` is `(NOT a) = 'x'`.
 * Source: SelectorParser.jj and the expression classes of Apache RocketMQ 5.3.3.
 */

import { compareNumbers, createNumber } from "./sql_number.ts";
import {
  isCondition,
  isConstant,
  type NumberConstant,
  type OrderOperator,
  type SqlExpression,
  type TextOperator,
} from "./sql_expression.ts";
import { shortened, SqlSyntaxError, sqlTokens, type Token, type TokenKind } from "./sql_lexer.ts";

/** The longest expression, in UTF-16 units. */
export const EXPRESSION_LENGTH_MAX = 65_536;
/** How deep parentheses, signs, NOT and comparisons of comparisons may nest. */
export const NESTING_MAX = 200;

/**
 * Reads an expression, which must be a condition.
 * @throws {SqlSyntaxError} when it cannot be a filter.
 */
export function parseSql(expression: string): SqlExpression {
  if (expression.length > EXPRESSION_LENGTH_MAX) {
    const reason = `The expression is longer than ${EXPRESSION_LENGTH_MAX} characters`;
    throw new SqlSyntaxError(expression, EXPRESSION_LENGTH_MAX, reason);
  }
  return new SqlParser(expression).parse();
}

const ORDER_OPERATORS: ReadonlySet<TokenKind> = new Set<TokenKind>([">", ">=", "<", "<="]);
const TEXT_OPERATORS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "CONTAINS",
  "STARTSWITH",
  "ENDSWITH",
]);
const PREDICATES: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "NOT",
  "BETWEEN",
  "IN",
  ...TEXT_OPERATORS,
]);
const NULL_CONSTANT: SqlExpression = { kind: "truth", value: null };
/** Words that people expect to be operators. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ["LIKE", "for LIKE there are CONTAINS, STARTSWITH and ENDSWITH"],
  ["==", "write = to compare"],
  ["+", "there is no arithmetic"],
  ["-", "there is no arithmetic"],
]);

class SqlParser {
  readonly #expression: string;
  readonly #tokens: readonly Token[];
  #index = 0;
  #nesting = 0;
  #linkCount = 0;

  constructor(expression: string) {
    this.#expression = expression;
    this.#tokens = sqlTokens(expression);
  }

  parse(): SqlExpression {
    const condition = this.#asCondition(this.#or(), 0);
    if (this.#next.kind !== "END") this.#expected("AND, OR or the end of the expression");
    return condition;
  }

  get #next(): Token {
    return this.#tokens[this.#index]!;
  }

  #take(): Token {
    return this.#tokens[this.#index++]!;
  }

  #takeIf(kind: TokenKind): boolean {
    if (this.#next.kind !== kind) return false;
    this.#index++;
    return true;
  }

  #or(): SqlExpression {
    return this.#chain("OR", "or", () => this.#and());
  }

  #and(): SqlExpression {
    return this.#chain("AND", "and", () => this.#equality());
  }

  /** Conditions between the same operator: one list, so that thousands of them nest no deeper than two. */
  #chain(operator: "AND" | "OR", kind: "and" | "or", operand: () => SqlExpression): SqlExpression {
    const start = this.#index;
    const first = operand();
    if (this.#next.kind !== operator) return first;
    const operands = [this.#asCondition(first, start)];
    while (this.#takeIf(operator)) {
      const at = this.#index;
      operands.push(this.#asCondition(operand(), at));
    }
    return { kind, operands };
  }

  #equality(): SqlExpression {
    const start = this.#index;
    let left = this.#comparison();
    for (let links = 0;; links++) {
      const { kind } = this.#next;
      if (kind !== "=" && kind !== "<>" && kind !== "IS") return left;
      if (links > 0) this.#link();
      left = kind === "IS" ? this.#isNull(left) : this.#equal(left, start);
    }
  }

  #equal(left: SqlExpression, start: number): SqlExpression {
    const operator = this.#take();
    const at = this.#index;
    const right = this.#comparison();
    this.#mustBeEquatable(left, start);
    this.#mustBeEquatable(right, at);
    if (left.kind === "truth" && isConstant(right) && right.kind !== "truth") {
      this.#fail(at, `${left.value ? "TRUE" : "FALSE"} cannot equal a number or text`);
    }
    const equal: SqlExpression = { kind: "equal", left, right };
    return operator.kind === "=" ? equal : { kind: "not", operand: equal };
  }

  #isNull(left: SqlExpression): SqlExpression {
    this.#index++;
    const negated = this.#takeIf("NOT");
    if (!this.#takeIf("NULL")) this.#expected(negated ? "NULL" : "NULL or NOT NULL");
    const isNull: SqlExpression = { kind: "equal", left, right: NULL_CONSTANT };
    return negated ? { kind: "not", operand: isNull } : isNull;
  }

  #comparison(): SqlExpression {
    const start = this.#index;
    let left = this.#unary();
    for (let links = 0;; links++) {
      const { kind } = this.#next;
      const hasOrder = ORDER_OPERATORS.has(kind);
      if (!hasOrder && !PREDICATES.has(kind)) return left;
      if (links > 0) this.#link();
      left = hasOrder ? this.#order(left, start) : this.#predicate(left, start);
    }
  }

  #order(left: SqlExpression, start: number): SqlExpression {
    const operator = this.#take().kind as OrderOperator;
    const at = this.#index;
    const right = this.#unary();
    this.#mustHaveOrder(left, start);
    this.#mustHaveOrder(right, at);
    return { kind: "order", operator, left, right };
  }

  #predicate(left: SqlExpression, start: number): SqlExpression {
    const negated = this.#takeIf("NOT");
    const { kind } = this.#next;
    if (kind === "BETWEEN") return this.#between(left, start, negated);
    if (kind === "IN") return this.#in(left, start, negated);
    if (!TEXT_OPERATORS.has(kind)) {
      this.#expected("BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH after NOT");
    }
    this.#index++;
    const search = this.#text();
    return { kind: "match", operator: kind as TextOperator, operand: left, search, negated };
  }

  #between(value: SqlExpression, start: number, negated: boolean): SqlExpression {
    this.#index++;
    const lowAt = this.#index;
    const low = this.#unary();
    if (!this.#takeIf("AND")) this.#expected("AND between the limits of BETWEEN");
    const highAt = this.#index;
    const high = this.#unary();
    this.#mustHaveOrder(value, start);
    this.#mustHaveOrder(low, lowAt);
    this.#mustHaveOrder(high, highAt);
    const order = (operator: OrderOperator, right: SqlExpression): SqlExpression => ({
      kind: "order",
      operator,
      left: value,
      right,
    });
    if (negated) return { kind: "or", operands: [order("<", low), order(">", high)] };
    if (low.kind === "number" && high.kind === "number" && compareNumbers(low, high) > 0) {
      this.#fail(highAt, "The second limit of BETWEEN is less than the first");
    }
    return { kind: "and", operands: [order(">=", low), order("<=", high)] };
  }

  #in(operand: SqlExpression, start: number, negated: boolean): SqlExpression {
    this.#index++;
    if (!this.#takeIf("(")) this.#expected("( and a list of texts after IN");
    const values = [this.#text()];
    while (this.#takeIf(",")) values.push(this.#text());
    if (!this.#takeIf(")")) this.#expected("a comma or ) in the list of IN");
    if (operand.kind === "property") return { kind: "in", operand, values, negated };
    return this.#fail(start, "Only a property can be looked for IN a list");
  }

  #unary(): SqlExpression {
    const sign = this.#next.kind;
    if (sign !== "+" && sign !== "-" && sign !== "NOT") return this.#primary();
    this.#index++;
    this.#enter();
    const at = this.#index;
    const operand = this.#leave(this.#unary());
    if (sign === "+") return operand;
    if (sign === "-") return { kind: "negate", operand };
    return { kind: "not", operand: this.#asCondition(operand, at) };
  }

  #primary(): SqlExpression {
    const { kind } = this.#next;
    if (kind === "IDENTIFIER") return { kind: "property", name: this.#take().image };
    if (kind === "TEXT") return { kind: "text", value: this.#text() };
    if (kind === "WHOLE_NUMBER" || kind === "FLOATING_NUMBER") return this.#number();
    if (this.#takeIf("TRUE")) return { kind: "truth", value: true };
    if (this.#takeIf("FALSE")) return { kind: "truth", value: false };
    if (this.#takeIf("NULL")) return NULL_CONSTANT;
    if (!this.#takeIf("(")) this.#expected("a property, a number, a text or (");
    this.#enter();
    const inner = this.#leave(this.#or());
    if (!this.#takeIf(")")) this.#expected("AND, OR or )");
    return inner;
  }

  #number(): NumberConstant {
    const number = createNumber(this.#take());
    if (typeof number !== "string") return number;
    return this.#fail(this.#index - 1, number);
  }

  #text(): string {
    if (this.#next.kind !== "TEXT") this.#expected("a text in single quotes");
    return this.#take().image.slice(1, -1).replaceAll("''", "'");
  }

  #asCondition(value: SqlExpression, at: number): SqlExpression {
    if (isCondition(value)) return value;
    if (value.kind === "property") return { kind: "cast", operand: value };
    return this.#fail(at, "A condition is wanted here, this is a value");
  }

  #mustBeEquatable(value: SqlExpression, at: number): void {
    if (value === NULL_CONSTANT) {
      this.#fail(at, "Nothing equals NULL: write IS NULL or IS NOT NULL");
    }
  }

  #mustHaveOrder(value: SqlExpression, at: number): void {
    if (value.kind === "text") {
      this.#fail(at, "Texts have no order: compare with a number, which has no quotes");
    }
    if (isCondition(value)) {
      this.#fail(at, "Only numbers and properties have an order, this is a condition");
    }
  }

  /** One level deeper, so that neither this nor what reads the tree can run out of stack. */
  #enter(): void {
    if (++this.#nesting > NESTING_MAX) {
      this.#fail(this.#index, `The expression nests deeper than ${NESTING_MAX} levels`);
    }
  }

  #leave(value: SqlExpression): SqlExpression {
    this.#nesting--;
    return value;
  }

  /** A comparison of a comparison, as in `a = b = c`: the tree gets deeper though no parenthesis is open. */
  #link(): void {
    if (++this.#linkCount > NESTING_MAX) {
      this.#fail(this.#index, `The expression has more than ${NESTING_MAX} chained comparisons`);
    }
  }

  #expected(what: string): never {
    const { kind, image, start } = this.#next;
    if (kind === "END") return this.#fail(this.#index, `Expected ${what}, but the expression ends`);
    const doubled = kind === "=" && this.#expression[start - 1] === "=" ? "==" : image;
    const hint = HINTS.get(doubled.toUpperCase());
    const found = shortened(image) + (hint === undefined ? "" : `; ${hint}`);
    return this.#fail(this.#index, `Expected ${what}, found ${found}`);
  }

  #fail(index: number, reason: string): never {
    throw new SqlSyntaxError(this.#expression, this.#tokens[index]!.start, reason);
  }
}
