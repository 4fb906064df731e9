/** Order and choice among brokers and queues. */

/** Orders texts by their code units, the same everywhere. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Those with one of the names; all without names. */
export function named<T extends { readonly brokerName: string }>(
  brokers: readonly T[],
  brokerNames: readonly string[] | undefined,
): T[] {
  return brokers.filter(({ brokerName }) => brokerNames?.includes(brokerName) ?? true);
}
