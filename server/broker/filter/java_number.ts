/**
 * Numbers in text, as Java's Integer, Long and Double read them: a message's properties are text, and whether a filter
 * takes one for a number decides whether the message is delivered.
 */

/** Whole numbers of so many digits are exact as JavaScript's. */
const EXACT_DIGITS = 15;
const LONG_DIGITS = 19;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

/** Integer.valueOf: undefined when the text is no whole number of 32 bits. */
export function parseJavaInteger(text: string): number | undefined {
  const value = parseJavaLong(text);
  return value === Number(value) && value === (value | 0) ? value : undefined;
}

/** Long.valueOf: undefined when the text is no whole number of 64 bits. What is not exact as a number is a bigint. */
export function parseJavaLong(text: string): number | bigint | undefined {
  const first = text.charCodeAt(0);
  const start = first === 43 || first === 45 ? 1 : 0;
  if (text.length === start) return undefined;
  if (text.length - start > EXACT_DIGITS) return parseLongSlowly(text, start);
  let value = 0;
  for (let index = start; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return parseLongSlowly(text, start);
    value = value * 10 + digit;
  }
  // Java's zero has no sign.
  return first === 45 && value !== 0 ? -value : value;
}

function parseLongSlowly(text: string, start: number): number | bigint | undefined {
  let digits = "";
  for (let index = start; index < text.length; index++) {
    const digit = javaDigit(text.charCodeAt(index));
    if (digit < 0) return undefined;
    if (digits !== "" || digit > 0) digits += digit;
    if (digits.length > LONG_DIGITS) return undefined;
  }
  const value = text[0] === "-" ? -BigInt(digits) : BigInt(digits);
  if (value < LONG_MIN || value > LONG_MAX) return undefined;
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}

const DECIMAL_DIGIT = /^\p{Nd}$/u;

/** Character.digit of a character: the decimal digits of every script count; -1 for what is none. */
function javaDigit(code: number): number {
  if (code < 0x80) return code >= 48 && code <= 57 ? code - 48 : -1;
  let digit = -1;
  // The digits of a script stand in a row, from its zero on.
  while (DECIMAL_DIGIT.test(String.fromCharCode(code - digit - 1))) digit++;
  return digit;
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?$/;
const NOT_FINITE = /^([+-]?)(NaN|Infinity)$/;
const HEXADECIMAL =
  /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)(?<=[0-9a-fA-F]\.?)[pP]([+-]?\d+)[fFdD]?$/;
/** Java trims what is not above a space. */
const AROUND = /^[\0- ]+|[\0- ]+$/g;

/** Double.valueOf: undefined when the text is no number. */
export function parseJavaDouble(text: string): number | undefined {
  const value = Number(text);
  // What JavaScript reads as a number that begins and ends in a digit means the same in Java, but for 0x, 0b and 0o.
  const isPlain = isDigit(text, 0) && isDigit(text, text.length - 1);
  if (isPlain && !Number.isNaN(value) && (text.length < 2 || text[1]! <= "9")) return value;
  const trimmed = text.replace(AROUND, "");
  if (DECIMAL.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ""));
  const notFinite = NOT_FINITE.exec(trimmed);
  if (notFinite !== null) return Number(notFinite[1] + notFinite[2]!);
  const [, sign, whole, fraction, exponent] = HEXADECIMAL.exec(trimmed) ?? [];
  if (exponent === undefined) return undefined;
  const value16 = scaled(BigInt(`0x0${whole}${fraction}`), Number(exponent) - fraction!.length * 4);
  return sign === "-" ? -value16 : value16;
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}

const DOUBLE_BITS = 53;
/** The exponent of the smallest number above zero. */
const DOUBLE_EXPONENT_MIN = -1074;
const DOUBLE_EXPONENT_MAX = 1024;

/** `mantissa` times two to the power of `exponent`, rounded to the nearest number, to an even one from the middle. */
function scaled(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > DOUBLE_EXPONENT_MAX) return Infinity;
  const kept = Math.min(DOUBLE_BITS, bits + exponent - DOUBLE_EXPONENT_MIN);
  if (kept < 0) return 0;
  const dropped = bits - kept;
  if (dropped <= 0) return Number(mantissa) * 2 ** exponent;
  const shift = BigInt(dropped);
  const half = 1n << (shift - 1n);
  const rest = mantissa & ((1n << shift) - 1n);
  let rounded = mantissa >> shift;
  if (rest > half || (rest === half && (rounded & 1n) === 1n)) rounded++;
  // In two steps, since one factor alone may be too small or too large.
  const step = Math.trunc((exponent + dropped) / 2);
  return Number(rounded) * 2 ** step * 2 ** (exponent + dropped - step);
}

/** Double.compare: NaN is the greatest and equals itself, -0 comes before 0. */
export function compareJavaDoubles(left: number, right: number): -1 | 0 | 1 {
  if (left < right) return -1;
  if (left > right) return 1;
  if (left === right && left !== 0) return 0;
  if (Object.is(left, right)) return 0;
  if (left === right) return Object.is(left, -0) ? -1 : 1;
  return Number.isNaN(left) ? 1 : -1;
}
