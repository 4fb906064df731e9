/** `comet admin` against Apache's own name server and broker: each command must print what it prints for Comet. */

import { runAdminCommand } from "../../server/admin_cli/admin_command_line.ts";
import { ADMIN_ROWS, type AdminRow } from "./admin_rows.ts";
import { type AdminTarget, type CommandOutcome, filledIn, outcomeOf } from "./admin_target.ts";

/** The rows that hold for a kind of server. */
export function cometAdminRows(kind: AdminTarget["kind"]): AdminRow[] {
  return ADMIN_ROWS.filter(({ only, comet }) =>
    comet !== undefined && (only === undefined || only === kind)
  );
}

/** The names of all outcomes. */
export function cometAdminNames(kind: AdminTarget["kind"]): string[] {
  return cometAdminRows(kind).map(nameOf);
}

function nameOf({ command, cometCommand = command }: AdminRow): string {
  return `comet admin: ${cometCommand}`;
}

/** Runs the commands one after the other, each as the program does. */
export async function* runCometAdminRows(target: AdminTarget): AsyncGenerator<CommandOutcome> {
  for (const row of cometAdminRows(target.kind)) {
    const started = performance.now();
    const { command, cometCommand = command, comet: expected = [] } = row;
    const args = filledIn(cometCommand, target).split(" ");
    const printed = await cometAdmin(args, expected);
    yield outcomeOf(nameOf(row), { started, printed, expected, target });
  }
}

/** What a command prints, of one that goes on for ever until all is there that is expected. */
export async function cometAdmin(args: string[], until: readonly RegExp[] = []): Promise<string> {
  let text = "";
  const print = (more: string) => {
    text += more;
  };
  const out = {
    print,
    flush: () => {},
    get isClosed() {
      return until.length > 0 && until.every((wanted) => wanted.test(text));
    },
  };
  await runAdminCommand(args, {}, { out, error: (line) => print(`${line}\n`) });
  return text;
}
