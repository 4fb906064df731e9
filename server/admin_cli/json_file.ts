/** Files that commands read. */

import { UsageError } from "../flags.ts";
import type { AdminContext } from "./admin_command.ts";

/** The list in a JSON file. @throws {UsageError} when the file cannot be read or holds none. */
export async function readJsonList(
  { readTextFile }: AdminContext,
  path: string,
): Promise<unknown[]> {
  let value: unknown;
  try {
    value = JSON.parse(await readTextFile(path));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot read ${path}: ${reason}`, { cause: error });
  }
  if (Array.isArray(value) && value.length > 0) return value;
  throw new UsageError(`${path} holds no JSON list`);
}
