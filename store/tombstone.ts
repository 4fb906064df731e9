/** Tombstones: what `comet store repair` puts into the log in place of messages that are lost (`tools/filler.ts`). */

/** The bit of sysFlag that tombstones have, and the fillers between them; Apache has no use for it. */
export const LOST_SYS_FLAG: number = 1 << 12;

/** Whether a record is a tombstone, which is for no consumer. */
export function isTombstone(record: Uint8Array): boolean {
  // The third of the four bytes of sysFlag.
  return (record[38]! & LOST_SYS_FLAG >> 8) !== 0;
}
