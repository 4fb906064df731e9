/** What is not well, out of what the cluster says. Pure; the words are in the table of texts. */

import type { TextKey } from "./texts/all.ts";
import type { TextValues } from "./texts/text.ts";
import { formatBytes, formatPercent } from "./format.ts";

export interface ClusterState {
  nameServers: readonly string[];
  brokers: readonly {
    brokerName: string;
    runtime?: { commitLogDiskRatio: number; dispatchBehindBytes: number } | undefined;
  }[];
  failures: readonly { brokerName: string; brokerAddr: string; detail: string }[];
}

export interface GroupState {
  group: string;
  diffTotal?: number | undefined;
  consumeTps?: number | undefined;
}

export interface ProblemText {
  readonly kind: "warn" | "bad";
  readonly text: TextKey;
  readonly values: TextValues;
  /** Where to look. */
  readonly path: readonly string[];
}

/** Apache's brokers refuse messages at 0.9 (diskSpaceWarningLevelRatio); before that there is time to act. */
const DISK_WARNING = 0.75;
const DISK_BAD = 0.85;
const BEHIND_BYTES = 64 * 1024 * 1024;
/** Fewer messages may just have come. */
const LAG_COUNT = 1_000;

/** The worst first. */
export function findProblems(cluster: ClusterState, groups: readonly GroupState[]): ProblemText[] {
  const { brokers, failures, nameServers } = cluster;
  const problems: ProblemText[] = [
    ...(brokers.length === 0
      ? [bad("problem.noBroker", { address: nameServers.join(";") }, ["cluster"])]
      : []),
    ...failures.map(({ brokerName, brokerAddr: address, detail }) =>
      bad("problem.broker", { broker: brokerName, address, detail }, ["cluster"])
    ),
    ...brokers.flatMap(brokerProblems),
    ...groups.filter(({ diffTotal = 0, consumeTps = 0 }) =>
      diffTotal >= LAG_COUNT && consumeTps === 0
    ).map(({ group, diffTotal = 0 }): ProblemText => ({
      kind: "warn",
      text: "problem.lag",
      values: { group, count: diffTotal },
      path: ["groups", group],
    })),
  ];
  return problems.sort((a, b) => a.kind.localeCompare(b.kind));
}

function brokerProblems({ brokerName, runtime }: ClusterState["brokers"][number]): ProblemText[] {
  if (runtime === undefined) return [];
  const { commitLogDiskRatio: part, dispatchBehindBytes: behind } = runtime;
  const path = ["cluster", brokerName];
  const problems: ProblemText[] = [];
  if (part >= DISK_WARNING) {
    const values = { broker: brokerName, part: formatPercent(part) };
    const kind = part >= DISK_BAD ? "bad" : "warn";
    problems.push({ kind, text: "problem.diskFull", values, path });
  }
  if (behind >= BEHIND_BYTES) {
    const values = { broker: brokerName, bytes: formatBytes(behind) };
    problems.push({ kind: "warn", text: "problem.behind", values, path });
  }
  return problems;
}

function bad(text: TextKey, values: TextValues, path: readonly string[]): ProblemText {
  return { kind: "bad", text, values, path };
}
