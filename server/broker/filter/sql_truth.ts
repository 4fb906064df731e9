/** What the parts of a SQL92 filter come to. */

import type { NumberConstant } from "./sql_expression.ts";

/** What a condition comes to. ERROR stands for Java's exception: a text that should be a number is none. */
export const Truth = { FALSE: 0, TRUE: 1, NULL: 2, ERROR: 3 } as const;
export type Truth = (typeof Truth)[keyof typeof Truth];

/** A condition over the message that is loaded. */
export type Test = () => Truth;
/** A text of the message that is loaded, or null for a property that it lacks. */
export type Text = () => string | null;

/** What can stand beside an operator. A number is always written out, since properties are text. */
export type Operand =
  | { kind: "number"; number: NumberConstant }
  | { kind: "text"; text: Text }
  | { kind: "truth"; test: Test };

export function truthOf(condition: boolean): Truth {
  return condition ? Truth.TRUE : Truth.FALSE;
}

export function constantTest(truth: Truth): Test {
  return () => truth;
}
