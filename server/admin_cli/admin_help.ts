/** What `comet admin --help` and `comet admin COMMAND --help` print. */

import { flagLines } from "../flags.ts";
import { ADMIN_AREAS, type AdminCommand } from "./admin_command.ts";
import { ADMIN_COMMANDS } from "./admin_commands.ts";
import { COMMON_FLAGS, DRY_RUN_FLAG } from "./admin_flags.ts";

const NAME_WIDTH = 25;

/** All commands. */
export function adminHelpText(): string {
  const areas = ADMIN_AREAS.map((area) => {
    const rows = Object.entries(ADMIN_COMMANDS).filter(([, row]) => row.area === area)
      .map(([name, { help }]) => `  ${name.padEnd(NAME_WIDTH)} ${help}`);
    return `${area}:\n${rows.join("\n")}\n`;
  });
  return `Looks at and changes a cluster, Comet's or Apache's. Names and letters are those of mqadmin.

Usage: comet admin COMMAND [FLAGS]
       comet admin COMMAND --help

${areas.join("\n")}
All of them:
${flagLines(COMMON_FLAGS).join("\n")}

Those that delete or reset:
${flagLines(DRY_RUN_FLAG).join("\n")}

Exit code: 0 done; 1 refused, not reached, or done in part; 2 cannot be run as asked.

Examples:
  comet admin topicList
  comet admin consumerProgress -g orders -n 10.0.0.1:9876
  comet admin resetOffsetByTime -g orders -t Orders -s 2026-01-31T08:00:00 --dry-run
  comet admin topicStatus -t Orders --json | jq .queues
`;
}

/** One command. */
export function commandHelpText(name: string, { help, flags, hasDryRun }: AdminCommand): string {
  const [must, may] = [true, false].map((isRequired) =>
    Object.entries(flags).filter(([, flag]) =>
      (flag.isRequired && flag.value !== undefined) === isRequired
    )
  );
  const usage = must!.map(([name, { letter, value }]) =>
    letter === undefined ? `--${name} ${value}` : `-${letter} ${value}`
  );
  const lines = Object.fromEntries([...must!, ...may!]);
  return `comet admin ${[name, ...usage, "[FLAGS]"].join(" ")}: ${help}

${flagLines({ ...lines, ...(hasDryRun ? DRY_RUN_FLAG : {}), ...COMMON_FLAGS }).join("\n")}
`;
}
