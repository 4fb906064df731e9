/** Rows of the tables of SQL92 expressions. */

export type Outcome = "TRUE" | "FALSE" | "NULL" | "ERROR";

/**
 * An expression, a message's properties, and what the one comes to for the other: in Apache RocketMQ 5.3.3, whose own
 * filter classes were asked, and here, where only the rows with a fourth column differ.
 */
export type SqlRow = readonly [
  expression: string,
  properties: Readonly<Record<string, string>>,
  outcome: Outcome,
  /** REFUSED: Apache does not take the expression. */
  apacheOutcome?: Outcome | "REFUSED",
];
