/** A SQL92 filter as a tree, the way Apache's parser builds it: what a comparison may compare is checked by then. */

/** Java's types of number constants. */
export type NumberType = "INTEGER" | "LONG" | "DOUBLE";
export type OrderOperator = "<" | "<=" | ">" | ">=";
export type TextOperator = "CONTAINS" | "STARTSWITH" | "ENDSWITH";

export type SqlExpression =
  | NumberConstant
  | TextConstant
  | PropertyExpression
  /** TRUE, FALSE and NULL. */
  | Node<"truth", { value: boolean | null }>
  | Node<"negate" | "not", { operand: SqlExpression }>
  | Node<"and" | "or", { operands: readonly SqlExpression[] }>
  /** A property where a truth value is wanted. */
  | Node<"cast", { operand: PropertyExpression }>
  | Node<"order", { operator: OrderOperator; left: SqlExpression; right: SqlExpression }>
  /** Also IS NULL, as equality with NULL. */
  | Node<"equal", { left: SqlExpression; right: SqlExpression }>
  | Node<"in", { operand: PropertyExpression; values: readonly string[]; negated: boolean }>
  | Node<
    "match",
    { operator: TextOperator; operand: SqlExpression; search: string; negated: boolean }
  >;

/** A value beyond what JavaScript counts exactly is a bigint. */
export type NumberConstant = Node<"number", { type: NumberType; value: number | bigint }>;
export type TextConstant = Node<"text", { value: string }>;
export type PropertyExpression = Node<"property", { name: string }>;

type Node<Kind extends string, Parts> = Readonly<{ kind: Kind } & Parts>;

const TRUTH_KINDS: ReadonlySet<SqlExpression["kind"]> = new Set<SqlExpression["kind"]>([
  "truth",
  "not",
  "and",
  "or",
  "cast",
  "order",
  "equal",
  "in",
  "match",
]);

/** Whether an expression is a condition, by its form (BooleanExpression.java). */
export function isCondition({ kind }: SqlExpression): boolean {
  return TRUTH_KINDS.has(kind);
}

/** Whether an expression is written out, not computed (ConstantExpression.java). */
export function isConstant({ kind }: SqlExpression): boolean {
  return kind === "number" || kind === "text" || kind === "truth";
}
