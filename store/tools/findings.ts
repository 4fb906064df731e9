/** What a check of a data folder found: one row for each kind, so that reports, JSON and the guide say the same. */

/** `damage`: something is lost, hidden or in the way. `note`: what a crash leaves behind, or worth knowing. */
export type Severity = "damage" | "note";

/** What a finding means for messages. */
export const EFFECTS = {
  lost: "messages are lost",
  hidden: "messages are there, but are not found",
  blocked: "a broker does not start over it, or stops at it",
  rebuilt: "the next start of Comet repairs this",
  harmless: "nothing is missing",
} as const;

export type Effect = keyof typeof EFFECTS;

interface Kind {
  severity: Severity;
  effect: Effect;
  advice: string;
}

const REPAIR = "comet store repair mends it";
const COPY_OR_REPAIR = "restore the file from a copy, or let comet store repair mark what is lost";
const NOTHING = "nothing to do";

/** Every kind of finding. */
export const FINDING_KINDS = {
  logDamaged: { severity: "damage", effect: "lost", advice: COPY_OR_REPAIR },
  logWouldBeCut: {
    severity: "damage",
    effect: "lost",
    advice: "start no broker over it before comet store repair has run",
  },
  logEndLost: { severity: "damage", effect: "lost", advice: COPY_OR_REPAIR },
  logFileSize: { severity: "damage", effect: "blocked", advice: REPAIR },
  logFileStale: { severity: "damage", effect: "blocked", advice: REPAIR },
  logLeftover: { severity: "damage", effect: "blocked", advice: REPAIR },
  startRefused: { severity: "damage", effect: "blocked", advice: REPAIR },
  queueOffsetGap: {
    severity: "damage",
    effect: "lost",
    advice: "no tool can mend it: restore the folder from a copy",
  },
  queueOffsetTwice: {
    severity: "damage",
    effect: "hidden",
    advice: "no tool can mend it: restore the folder from a copy",
  },
  recordUnsealed: { severity: "note", effect: "harmless", advice: NOTHING },
  tornTail: { severity: "note", effect: "rebuilt", advice: NOTHING },
  unwrittenTail: { severity: "note", effect: "rebuilt", advice: NOTHING },
  fileShort: { severity: "note", effect: "rebuilt", advice: NOTHING },
  queueUnit: { severity: "damage", effect: "hidden", advice: REPAIR },
  queueIncomplete: { severity: "damage", effect: "hidden", advice: REPAIR },
  queueMissing: { severity: "damage", effect: "hidden", advice: REPAIR },
  queuePastEnd: { severity: "damage", effect: "lost", advice: REPAIR },
  queueFiles: { severity: "damage", effect: "blocked", advice: REPAIR },
  queueEndWrong: { severity: "damage", effect: "hidden", advice: REPAIR },
  queueBehind: { severity: "note", effect: "rebuilt", advice: NOTHING },
  queueAhead: { severity: "note", effect: "rebuilt", advice: NOTHING },
  queueNotChecked: { severity: "note", effect: "harmless", advice: NOTHING },
  topicDeleted: { severity: "note", effect: "harmless", advice: NOTHING },
  topicCreatedAgain: { severity: "note", effect: "harmless", advice: NOTHING },
  deliveryTime: {
    severity: "note",
    effect: "harmless",
    advice: "give the messageDelayLevel of the broker with -c or --set to have it checked",
  },
  indexIncomplete: { severity: "damage", effect: "hidden", advice: REPAIR },
  indexUnit: { severity: "damage", effect: "harmless", advice: REPAIR },
  indexChain: { severity: "damage", effect: "hidden", advice: REPAIR },
  indexHeader: { severity: "damage", effect: "hidden", advice: REPAIR },
  indexFile: { severity: "damage", effect: "blocked", advice: REPAIR },
  indexBehind: { severity: "note", effect: "rebuilt", advice: NOTHING },
  indexNotChecked: {
    severity: "note",
    effect: "harmless",
    advice: "give maxHashSlotNum and maxIndexNum with -c or --set to have it checked",
  },
  jsonDamaged: {
    severity: "damage",
    effect: "blocked",
    advice: "restore the file from a backup, or let comet store repair set it aside",
  },
  jsonFromCopy: { severity: "damage", effect: "rebuilt", advice: REPAIR },
  jsonMissing: { severity: "note", effect: "rebuilt", advice: NOTHING },
  jsonLeftover: { severity: "note", effect: "harmless", advice: NOTHING },
  offsetPastEnd: { severity: "damage", effect: "hidden", advice: REPAIR },
  offsetAhead: { severity: "note", effect: "rebuilt", advice: NOTHING },
  offsetBehind: { severity: "note", effect: "harmless", advice: NOTHING },
  delayOffsetPastEnd: { severity: "damage", effect: "hidden", advice: REPAIR },
  checkpointUnusable: { severity: "note", effect: "rebuilt", advice: NOTHING },
  repairUnfinished: {
    severity: "damage",
    effect: "rebuilt",
    advice: "run comet store repair again",
  },
  crashed: { severity: "note", effect: "rebuilt", advice: NOTHING },
  running: {
    severity: "note",
    effect: "harmless",
    advice: "stop the broker and verify again: what changes meanwhile looks like damage",
  },
  settingsDiffer: {
    severity: "note",
    effect: "blocked",
    advice: "start the broker with the value that the files have",
  },
} as const satisfies Record<string, Kind>;

export type FindingKind = keyof typeof FINDING_KINDS;

/** One finding. */
export interface Finding {
  kind: FindingKind;
  severity: Severity;
  effect: Effect;
  /** Relative to the data folder where it lies in it. */
  file: string;
  /** Where in the file, in bytes; undefined for the whole of it. */
  offset: number | undefined;
  what: string;
  advice: string;
}

/** So many of a kind are kept; more are only counted. */
const KEPT_MAX = 50;

/** Findings in the order in which they were made, and how many of each kind there are. */
export class FindingList {
  readonly kept: Finding[] = [];
  readonly counts = new Map<FindingKind, number>();

  add(kind: FindingKind, file: string, offset: number | undefined, what: string): void {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    if (count <= KEPT_MAX) this.kept.push({ kind, file, offset, what, ...FINDING_KINDS[kind] });
  }

  has(...kinds: FindingKind[]): boolean {
    return kinds.some((kind) => this.counts.has(kind));
  }

  count(severity: Severity): number {
    let sum = 0;
    for (const [kind, count] of this.counts) {
      if (FINDING_KINDS[kind].severity === severity) sum += count;
    }
    return sum;
  }
}

/** "1 message", "2 messages". */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
