/**
 * The words of a SQL92 filter expression.
 *
 * ```
 *  keyword     AND, or, Not …: in any case           identifier  a letter, _ or $, then those and digits
 *  number      12  12L  1.5  .5  5.  1.5E-3          text        'it''s'
 *  left out    spaces, tabs, line ends, form feeds, -- to the end of the line, slash star to star slash
 * ```
 * Source: SelectorParser.jj of Apache RocketMQ 5.3.3.
 */

const KEYWORDS = [
  "AND",
  "BETWEEN",
  "CONTAINS",
  "ENDSWITH",
  "FALSE",
  "IN",
  "IS",
  "NOT",
  "NULL",
  "OR",
  "STARTSWITH",
  "TRUE",
] as const;
const SYMBOLS = ["=", "<>", ">", ">=", "<", "<=", "(", ",", ")", "+", "-"] as const;

/** What a word is: itself for keywords and symbols. */
export type TokenKind =
  | (typeof KEYWORDS)[number]
  | (typeof SYMBOLS)[number]
  | "IDENTIFIER"
  | "WHOLE_NUMBER"
  | "FLOATING_NUMBER"
  | "TEXT"
  | "END";

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the expression. */
  readonly image: string;
  /** Index of its first character. */
  readonly start: number;
}

/** An expression that cannot be a filter, and where it goes wrong. Lines and columns count from 1, in characters. */
export class SqlSyntaxError extends SyntaxError {
  override readonly name = "SqlSyntaxError";
  readonly line: number;
  readonly column: number;

  constructor(expression: string, at: number, reason: string) {
    const lines = expression.slice(0, at).split(/\r\n|\n|\r/);
    const line = lines.length;
    const column = [...lines.at(-1)!].length + 1;
    super(`${reason}, at line ${line}, column ${column}`);
    this.line = line;
    this.column = column;
  }
}

const KEYWORD_SET: ReadonlySet<string> = new Set(KEYWORDS);
const SPACES = /[ \t\n\r\f]+/y;
const LINE = /[^\n\r]*/y;
const WORD = /[a-zA-Z_$][a-zA-Z0-9_$]*/y;
const FLOATING_NUMBER = /(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
/** Apache's 0 takes no L. */
const WHOLE_NUMBER = /(?:0|[1-9]\d*)[lL]?/y;
const DIGIT = /\d/y;
const TEXT = /'[^']*'(?:'[^']*')*/y;
const SYMBOL = /<>|<=|>=|[=<>(),+-]/y;
/** After these words a value is complete. */
const ENDS_VALUE: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "IDENTIFIER",
  "WHOLE_NUMBER",
  "FLOATING_NUMBER",
  "TEXT",
  "TRUE",
  "FALSE",
  "NULL",
  ")",
]);

/** Splits an expression into its words; the last one is END. @throws {SqlSyntaxError} */
export function sqlTokens(expression: string): Token[] {
  const tokens: Token[] = [];
  const lastLineEnd = Math.max(expression.lastIndexOf("\n"), expression.lastIndexOf("\r"));
  for (let at = 0;;) {
    at = skipLeftOut(expression, at, lastLineEnd);
    const token = tokenAt(expression, at);
    if (token.kind === "-" && isUnendedComment(expression, at, tokens.at(-1))) {
      at = expression.length;
      continue;
    }
    tokens.push(token);
    if (token.kind === "END") return tokens;
    at += token.image.length;
  }
}

/** Where the next word begins. */
function skipLeftOut(expression: string, start: number, lastLineEnd: number): number {
  for (let at = start;;) {
    const before = at;
    at += imageAt(SPACES, expression, at).length;
    if (expression.startsWith("--", at) && at < lastLineEnd) {
      at += imageAt(LINE, expression, at).length;
    } else if (expression.startsWith("/*", at)) {
      const end = expression.indexOf("*/", at + 2);
      if (end >= 0) at = end + 2;
    }
    if (at === before) return at;
  }
}

/**
 * To Apache a comment ends with its line, so what stands behind the last `--` is read as two signs and, after a whole
 * expression, ignored. Here it is a comment where signs would make no sense.
 */
function isUnendedComment(expression: string, at: number, before: Token | undefined): boolean {
  return expression[at + 1] === "-" && before !== undefined && ENDS_VALUE.has(before.kind);
}

function tokenAt(expression: string, start: number): Token {
  if (start === expression.length) return { kind: "END", image: "", start };
  const word = imageAt(WORD, expression, start);
  if (word !== "") {
    const upper = word.toUpperCase();
    const kind = KEYWORD_SET.has(upper) ? upper as TokenKind : "IDENTIFIER";
    return { kind, image: word, start };
  }
  for (const [kind, pattern] of PATTERNS) {
    const image = imageAt(pattern, expression, start);
    if (image === "0" && imageAt(DIGIT, expression, start + 1) !== "") {
      throw new SqlSyntaxError(
        expression,
        start,
        "A whole number begins with another digit than 0",
      );
    }
    if (image !== "") return { kind, image, start };
  }
  const symbol = imageAt(SYMBOL, expression, start);
  if (symbol !== "") return { kind: symbol as TokenKind, image: symbol, start };
  throw new SqlSyntaxError(expression, start, unknownCharacterReason(expression, start));
}

const PATTERNS = [
  ["FLOATING_NUMBER", FLOATING_NUMBER],
  ["WHOLE_NUMBER", WHOLE_NUMBER],
  ["TEXT", TEXT],
] as const;

function imageAt(pattern: RegExp, expression: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(expression)?.[0] ?? "";
}

/** A word as a refusal names it. */
export function shortened(image: string): string {
  return image.length > SHOWN_LENGTH_MAX ? `${image.slice(0, SHOWN_LENGTH_MAX)}…` : image;
}

const SHOWN_LENGTH_MAX = 40;

function unknownCharacterReason(expression: string, at: number): string {
  if (expression[at] === "'") return "The text that begins here has no closing quote";
  if (expression.startsWith("/*", at)) return "The comment that begins here has no end";
  const character = String.fromCodePoint(expression.codePointAt(at)!);
  const hint = HINTS[character];
  return `Unexpected character ${character}${hint === undefined ? "" : `: ${hint}`}`;
}

const HINTS: Readonly<Record<string, string>> = {
  '"': "text stands in single quotes",
  "!": "write <> for not equal",
  "&": "write AND",
  "|": "write OR",
  "*": "there is no arithmetic",
  "/": "there is no arithmetic",
  "%": "there is no arithmetic",
};
