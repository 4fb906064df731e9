/** A command line and an environment in a file for deployment, judged by the program's own tables. */

import { assert, assertEquals } from "@std/assert";
import { parseCommandLine, portsOf, resolveConfig, type Role } from "../../server/command_line.ts";
import type { Config } from "../../server/config.ts";

/** What a server has that is started so. @throws when it would not start, or would warn. */
export function deployed(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): { role: Role; config: Config; ports: number[] } {
  const command = parseCommandLine(args, environment);
  assert(command.kind === "run", `${args.join(" ")} runs no server`);
  const { config, warnings } = resolveConfig(command);
  assertEquals(warnings, []);
  const ports = Object.values(portsOf(command.role, config));
  return { role: command.role, config, ports };
}

/** `${NAME:-fallback}` as compose takes it when nothing is set. */
export function interpolated(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}/g, "$1");
}
