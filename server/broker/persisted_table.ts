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
