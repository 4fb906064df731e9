/** `comet admin`: watching groups. */

import { groupConnections } from "../../client/admin/clients.ts";
import { mapLimited } from "../../client/admin/fan_out.ts";
import { allGroupLags } from "../../client/admin/progress.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { integer } from "./admin_flags.ts";
import { type AdminOutput, tableOutput, timeText } from "./admin_output.ts";
import { INTERVAL_FLAG, repeated } from "./repeated.ts";

const INTERVAL_SECONDS = 60;
const GROUPS_AT_A_TIME = 32;

export const MONITOR_COMMANDS = {
  startMonitoring: adminCommand({
    area: "Offsets",
    help: "show groups that are behind, each minute until it is stopped",
    flags: {
      interval: INTERVAL_FLAG,
      level: integer("l", "COUNT", "only groups with more messages before them (0)"),
    },
    run: (context, { interval = INTERVAL_SECONDS, level = 0 }) =>
      repeated(context, interval, () => groupsBehind(context, level)),
  }),
};

async function groupsBehind({ admin, now }: AdminContext, level: number): Promise<AdminOutput> {
  const [{ lags, failures }, masters] = await Promise.all([allGroupLags(admin), admin.masters()]);
  const behind = [...lags].filter(([, { diffTotal }]) => diffTotal > level);
  const time = now();
  const rows = await mapLimited(behind, GROUPS_AT_A_TIME, async ([group, lag]) => {
    const { clients } = await groupConnections(admin, group, masters);
    const { diffTotal, consumeTps } = lag;
    return { time, group, members: clients.length, consumeTps, diffTotal };
  });
  rows.sort((a, b) => b.diffTotal - a.diffTotal);
  return tableOutput(rows, {
    Time: (row) => timeText(row.time),
    Group: (row) => row.group,
    Members: (row) => row.members,
    TPS: (row) => Math.round(row.consumeTps * 100) / 100,
    "Diff total": (row) => row.diffTotal,
  }, { failures });
}
