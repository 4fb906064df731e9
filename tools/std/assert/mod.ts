/** The part of @std/assert that this project uses. */

import nodeAssert, { AssertionError } from "node:assert";

export { AssertionError };

// deno-lint-ignore no-explicit-any -- the type of any class
type AnyClass<T> = abstract new (...args: any[]) => T;

/** Fails unless `condition` is truthy. */
export function assert(condition: unknown, message?: string): asserts condition {
  if (!condition) fail(message);
}

/** Fails unless both are deeply equal. Stricter than the original: 0 is not -0, and prototypes count. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}

/** Fails if both are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}

/** Fails unless both are the same value, as Object.is has it. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  message?: string,
): asserts actual is T {
  nodeAssert.strictEqual(actual, expected, message);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) {
    fail(message ?? `expected ${show(actual)} to include ${show(expected)}`);
  }
}

/** Fails unless `actual` matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  nodeAssert.match(actual, expected, message);
}

/** Fails if the value is undefined or null. */
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) fail(message ?? `expected a value, got ${actual}`);
}

/** Fails unless `actual` is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: AnyClass<T>,
  message?: string,
): asserts actual is T {
  if (!(actual instanceof expectedType)) {
    fail(message ?? `expected an instance of ${expectedType.name}, got ${show(actual)}`);
  }
}

/** Fails unless `actual` is greater. */
export function assertGreater<T>(actual: T, expected: T, message?: string): void {
  if (!(actual > expected)) fail(message ?? `expected ${show(actual)} > ${show(expected)}`);
}

/** Fails unless `actual` is greater or equal. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual >= expected)) fail(message ?? `expected ${show(actual)} >= ${show(expected)}`);
}

/** Fails unless `actual` is less. */
export function assertLess<T>(actual: T, expected: T, message?: string): void {
  if (!(actual < expected)) fail(message ?? `expected ${show(actual)} < ${show(expected)}`);
}

/** Fails unless `actual` is less or equal. */
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void {
  if (!(actual <= expected)) fail(message ?? `expected ${show(actual)} <= ${show(expected)}`);
}

/** Fails unless `fn` throws; with a class, such an error, whose message includes the text. Returns what was thrown. */
export function assertThrows(fn: () => unknown, message?: string): unknown;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: AnyClass<E>,
  messageIncludes?: string,
  message?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  expected?: AnyClass<Error> | string,
  messageIncludes?: string,
  message?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, expected, messageIncludes, message);
  }
  return fail(messageOf(expected, message) ?? "expected the function to throw");
}

/** Fails unless `fn` returns a promise that rejects; else as assertThrows. */
export function assertRejects(fn: () => PromiseLike<unknown>, message?: string): Promise<unknown>;
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass: AnyClass<E>,
  messageIncludes?: string,
  message?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  expected?: AnyClass<Error> | string,
  messageIncludes?: string,
  message?: string,
): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    fail(messageOf(expected, message) ?? `expected a rejection, but it threw ${show(error)}`);
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, expected, messageIncludes, message);
  }
  return fail(messageOf(expected, message) ?? "expected the promise to reject");
}

/** Fails always. */
export function fail(message = "failed"): never {
  throw new AssertionError({ message });
}

/** Fails: the place is not meant to be reached. */
export function unreachable(message = "reached what is not to be reached"): never {
  return fail(message);
}

function checkError(
  error: unknown,
  expected: AnyClass<Error> | string | undefined,
  messageIncludes = "",
  message?: string,
): unknown {
  if (expected === undefined || typeof expected === "string") return error;
  assertInstanceOf(
    error,
    expected,
    message ?? `expected a ${expected.name}, got ${error instanceof Error ? error.stack : error}`,
  );
  assertStringIncludes(error.message, messageIncludes, message);
  return error;
}

function messageOf(
  expected: AnyClass<Error> | string | undefined,
  message: string | undefined,
): string | undefined {
  return typeof expected === "string" ? expected : message;
}

function show(value: unknown): string {
  return Deno.inspect(value);
}
