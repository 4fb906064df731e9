/** What the doctor finds. */

export type FindingStatus = "ok" | "warn" | "fail";

/** One line of the doctor's report. */
export interface Finding {
  /** What was looked at, as "data folder". */
  readonly name: string;
  readonly status: FindingStatus;
  /** What was found, with figures. */
  readonly detail: string;
  /** What to do about it; there when the status is not ok. */
  readonly advice?: string;
}

export function ok(name: string, detail: string): Finding {
  return { name, status: "ok", detail };
}

export function warn(name: string, detail: string, advice: string): Finding {
  return { name, status: "warn", detail, advice };
}

export function fail(name: string, detail: string, advice: string): Finding {
  return { name, status: "fail", detail, advice };
}

/** What went wrong, in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `: ${reasonOf(error.cause)}`;
  return (error.message + cause).split("\n")[0]!;
}
