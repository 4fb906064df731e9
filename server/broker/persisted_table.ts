/** The broker's tables on disk: where they are, and what is logged when that goes wrong. */

import type { FileSystem } from "../../store/file_system.ts";
import { PersistedTable, type PersistedTableOptions } from "../../store/json_file.ts";
import type { Log } from "../log.ts";

export interface TableFolder {
  /** The folder `config` in the data folder. */
  folder: string;
  fileSystem: FileSystem;
  log: Log;
}

/**
 * `row` with the fields that its JSON has besides: those of a later version, which must survive that the table is saved.
 * @param known the fields that a row may have.
 */
export function withUnknownFields<T extends object>(json: unknown, row: T, known: string[]): T {
  const unknown = Object.entries(json as object).filter(([name]) => !known.includes(name));
  return unknown.length === 0 ? row : { ...row, ...Object.fromEntries(unknown) };
}

/** A table that is kept in the file `name`. */
export function persistedTable<T>(
  { folder, fileSystem, log }: TableFolder,
  name: string,
  table: Pick<PersistedTableOptions<T>, "parse" | "snapshot" | "delayMillis">,
): PersistedTable<T> {
  const path = `${folder}/${name}`;
  return new PersistedTable({
    ...table,
    path,
    fileSystem,
    onFallback: (error) => log.warn("took the last good copy of a damaged file", { path, error }),
    onSaveFailed: (error) => log.error("cannot save a table, trying again", { path, error }),
  });
}
