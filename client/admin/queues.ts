/** Order and choice among brokers and queues. */

/** Those with one of the names; all without names. */
export function named<T extends { readonly brokerName: string }>(
  brokers: readonly T[],
  brokerNames: readonly string[] | undefined,
): T[] {
  return brokers.filter(({ brokerName }) => brokerNames?.includes(brokerName) ?? true);
}
