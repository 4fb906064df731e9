/** A command of `comet admin`, as a row of a table. */

import type { AdminClient } from "../../client/admin/admin_client.ts";
import type { AdminFlags, AdminValues } from "./admin_flags.ts";
import type { AdminOutput } from "./admin_output.ts";

/** What a command has to work with. */
export interface AdminContext {
  readonly admin: AdminClient;
  /** Only what would happen is wanted. */
  readonly isDryRun: boolean;
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
  readonly readTextFile: (path: string) => Promise<string>;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Makes the folder too. */
  readonly writeTextFile: (path: string, text: string) => Promise<void>;
}

export const ADMIN_AREAS = [
  "Topics",
  "Groups",
  "Offsets",
  "Messages",
  "Brokers",
  "Name servers",
  "Export",
] as const;

/** One output, or several, each printed when it is there. */
export type AdminResult = Promise<AdminOutput> | AsyncIterable<AdminOutput>;

export interface AdminCommand<F extends AdminFlags = AdminFlags> {
  readonly area: (typeof ADMIN_AREAS)[number];
  /** One line, without a full stop. */
  readonly help: string;
  readonly flags: F;
  /** Whether it has --dry-run, as all have that delete or reset. */
  readonly hasDryRun?: boolean;
  readonly run: (context: AdminContext, values: AdminValues<F>) => AdminResult;
}

/** Declares a command; the types of its values follow from its flags. */
export function adminCommand<F extends AdminFlags>(row: AdminCommand<F>): AdminCommand {
  return row as unknown as AdminCommand;
}
