/** DataVersion: which state of a table (topics, groups, …) is meant. It changes with every change of the table. */

/** An immutable value; its JSON is itself. */
export interface DataVersion {
  /** The epoch of the broker's role; greater wins when two brokers claim one place. 0 without a controller. */
  readonly stateVersion: number;
  /** When the table changed last, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** Changes so far. */
  readonly counter: number;
}

/** The version of a table that has not changed yet. */
export function firstDataVersion(nowMillis: number): DataVersion {
  return { counter: 0, stateVersion: 0, timestamp: nowMillis };
}

/** The version after one more change. */
export function nextVersion(
  version: DataVersion,
  nowMillis: number,
  stateVersion: number = version.stateVersion,
): DataVersion {
  return { counter: version.counter + 1, stateVersion, timestamp: nowMillis };
}

/** Whether both stand for the same state. */
export function equalVersions(left: DataVersion, right: DataVersion): boolean {
  return left.stateVersion === right.stateVersion && left.timestamp === right.timestamp &&
    left.counter === right.counter;
}

/** Reads a DataVersion out of parsed JSON; what is missing or no number is 0 (4.x writes no stateVersion). */
export function parseDataVersion(value: unknown): DataVersion {
  const { counter, stateVersion, timestamp } = (value ?? {}) as Record<string, unknown>;
  return {
    counter: integerOrZero(counter),
    stateVersion: integerOrZero(stateVersion),
    timestamp: integerOrZero(timestamp),
  };
}

function integerOrZero(value: unknown): number {
  return Number.isInteger(value) ? value as number : 0;
}
