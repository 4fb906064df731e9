/** What can be wrong with a store, in words that name the file and the place. */

/** The data on disk is not what was written; nothing was changed. */
export class CorruptStoreError extends Error {
  override readonly name = "CorruptStoreError";
}

/** The store takes no more writes; `message` says why and what to do. */
export class StoreUnwritableError extends Error {
  override readonly name = "StoreUnwritableError";
}

/** An fsync has failed. What it was to cover may be lost, also when a later one succeeds, so it is never tried again. */
export class SyncError extends Error {
  override readonly name = "SyncError";

  constructor(path: string, cause: unknown) {
    super(`Cannot bring ${path} to disk`, { cause });
  }
}

/** A place in a file for error messages. */
export function describePosition(path: string, offset: number): string {
  return `${path} at offset ${offset}`;
}
