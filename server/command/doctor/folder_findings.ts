/** Whether the data folder can be written, how long its disk takes to keep what is written, and whether it will last. */

import { denoFileSystem } from "../../../store/file_system.ts";
import { diskState } from "../../../store/retention.ts";
import { isLocked } from "../../../store/tools/folder_lock.ts";
import { readableBytes } from "../../broker/runtime_info.ts";
import type { Config } from "../../config.ts";
import { storePaths } from "../../config_derived.ts";
import { fail, type Finding, ok, reasonOf, warn } from "./finding.ts";
import { fileSystemOf, TRANSIENT, UNSUITED } from "./mounts.ts";

const PROBE_WRITES = 20;
const PROBE_BYTES = 4096;
/** A sync that takes longer makes SYNC_FLUSH slow; a disk of today takes 0.1 to 10 ms. */
const SLOW_SYNC_MILLIS = 20;
/** The files of one queue and of the log; each queue in use keeps a few open. */
const OPEN_FILES_MIN = 4096;
/** Two clocks that differ by less are the same to what depends on them. */
const CLOCK_TOLERANCE_MILLIS = 2_000;

/** Looks at the data folder, or where it would be made. Writes one small file there and removes it. */
export async function folderFindings(config: Config): Promise<Finding[]> {
  const { root } = storePaths(config);
  const folder = nearestFolder(root);
  if (folder === undefined) {
    const advice = "say with --data DIR where the data shall lie";
    return [fail("data folder", `${root} is no folder`, advice)];
  }
  const present = folder === root ? root : `${root} (made at the first start)`;
  return [
    ...await writeFindings(folder, present, config),
    lockFinding(root),
    fileSystemFinding(folder),
    spaceFinding(folder, config),
    futureFinding(root),
    ...openFilesFinding(),
  ];
}

/** The folder itself, or the nearest above it that exists; undefined when a file is in the way. */
function nearestFolder(path: string): string | undefined {
  for (let at = path;;) {
    try {
      return Deno.statSync(at).isDirectory ? at : undefined;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return undefined;
    }
    const end = at.lastIndexOf("/");
    if (at === "." || at === "/") return undefined;
    at = end > 0 ? at.slice(0, end) : end === 0 ? "/" : ".";
  }
}

/** A real write and fdatasync, several times, since that is what each send waits for. */
async function writeFindings(folder: string, present: string, config: Config): Promise<Finding[]> {
  const name = "data folder";
  const path = `${folder}/.comet-doctor-${Deno.pid}`;
  try {
    const { millis, modified, isSparse } = await probe(path);
    const middle = millis[millis.length >> 1]!;
    const detail = `${present}: ${PROBE_WRITES} writes of ${PROBE_BYTES} bytes, each synced in ` +
      `${middle.toFixed(2)} ms (median), ${millis.at(-1)!.toFixed(2)} ms at most`;
    const written = config.flushDiskType === "SYNC_FLUSH" && middle > SLOW_SYNC_MILLIS
      ? warn(name, detail, "use a faster disk, or accept that each send waits for it")
      : ok(name, detail);
    return [written, sparseFinding(isSparse), ...fileClockFinding(modified)];
  } catch (error) {
    const advice = `let this user write there (uid ${uid()}), or choose another with --data DIR`;
    return [fail(name, `${present}: ${reasonOf(error)}`, advice)];
  }
}

function uid(): string {
  return Deno.build.os === "windows" ? "unknown" : String(Deno.uid());
}

interface Probe {
  /** How long each write took until it was on disk, in order of length. */
  readonly millis: readonly number[];
  readonly modified: Date | null;
  /** Whether a part that was never written takes no space; undefined where that cannot be told. */
  readonly isSparse: boolean | undefined;
}

async function probe(path: string): Promise<Probe> {
  const file = await Deno.open(path, { read: true, write: true, createNew: true });
  try {
    const millis: number[] = [];
    for (let index = 0; index < PROBE_WRITES; index++) {
      const started = performance.now();
      file.writeSync(new Uint8Array(PROBE_BYTES).fill(index));
      await file.syncData();
      millis.push(performance.now() - started);
    }
    const { mtime } = await file.stat();
    const size = 16 * 1024 * 1024;
    await file.truncate(size);
    const { blocks } = await file.stat();
    const isSparse = blocks === null ? undefined : blocks * 512 < size;
    return { millis: millis.toSorted((a, b) => a - b), modified: mtime, isSparse };
  } finally {
    file.close();
    await Deno.remove(path);
  }
}

function sparseFinding(isSparse: boolean | undefined): Finding {
  const name = "sparse files";
  if (isSparse !== false) return ok(name, "the empty part of a file takes no space");
  return warn(
    name,
    "this file system gives files all their space at once",
    "have 1 GiB for each commit log file and 420 MB for each index file, or set " +
      "mappedFileSizeCommitLog and maxIndexNum before the first start",
  );
}

/** A file server may have a clock of its own. */
function fileClockFinding(modified: Date | null): Finding[] {
  if (modified === null) return [];
  const skew = modified.getTime() - Date.now();
  const name = "clock of the disk";
  if (Math.abs(skew) <= CLOCK_TOLERANCE_MILLIS) return [ok(name, "agrees with this machine's")];
  const detail = `differs from this machine's by ${(skew / 1000).toFixed(1)} s`;
  return [warn(name, detail, "run NTP on this machine and on the one that serves the files")];
}

function lockFinding(root: string): Finding {
  const name = "lock";
  try {
    if (!isLocked(root)) return ok(name, "no process has the data folder");
    return ok(name, `a running process has ${root}; another one would not start over it`);
  } catch (error) {
    const advice = "use a file system with locks, so that two brokers cannot have one folder";
    return fail(name, reasonOf(error), advice);
  }
}

function fileSystemFinding(folder: string): Finding {
  const name = "file system";
  const found = fileSystemOf(folder);
  if (found === undefined) return ok(name, "of a kind that cannot be told here");
  const detail = `${found.type} at ${found.mountPoint}`;
  const transient = TRANSIENT[found.type];
  if (transient !== undefined) {
    return warn(name, `${detail}: ${transient}`, "put the data folder on a disk or a volume");
  }
  const unsuited = UNSUITED.find((start) => found.type.startsWith(start));
  if (unsuited === undefined) return ok(name, detail);
  return warn(
    name,
    `${detail}: over a network locks and fsync may not hold what they promise`,
    "use a local disk or a block volume",
  );
}

function spaceFinding(folder: string, config: Config): Finding {
  const name = "disk space";
  const space = denoFileSystem.diskSpaceSync(folder);
  const state = diskState(config, space);
  const detail = `${readableBytes(space.freeBytes)} free of ${
    readableBytes(space.freeBytes + space.usedBytes)
  }`;
  if (state.full !== undefined) {
    return fail(name, `${detail}; no message is taken: ${state.full}`, "free some space");
  }
  if (state.isNearlyFull || state.usedRatio > config.diskMaxUsedSpaceRatio) {
    const advice = "free some space, or have a larger disk; expired files already go at any hour";
    return warn(name, `${detail}: ${state.usedRatio.toFixed(0)} % full`, advice);
  }
  return ok(name, detail);
}

/** What is in the folder must not be younger than now: then the clock was set back. */
function futureFinding(root: string): Finding {
  const name = "clock and data";
  const times = ["checkpoint", "comet-checkpoint", "lock"].map((file) =>
    modifiedAt(`${root}/${file}`)
  );
  const ahead = Math.max(...times) - Date.now();
  if (!(ahead > CLOCK_TOLERANCE_MILLIS)) {
    return ok(name, "nothing in the folder is younger than now");
  }
  return warn(
    name,
    `the data folder was last written ${(ahead / 1000).toFixed(0)} s in the future`,
    "the clock was set back: look at NTP before you start; delayed messages and retention go by it",
  );
}

function modifiedAt(path: string): number {
  try {
    return Deno.statSync(path).mtime?.getTime() ?? 0;
  } catch {
    return 0;
  }
}

/** How many files and connections the process may have, where the system tells. */
function openFilesFinding(): Finding[] {
  if (Deno.build.os !== "linux") return [];
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const soft = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  const name = "open files";
  if (soft >= OPEN_FILES_MIN) return [ok(name, `${soft} allowed`)];
  const detail = `only ${soft} allowed, for queues, log and connections`;
  return [warn(name, detail, "raise it: ulimit -n 65536, or LimitNOFILE=65536 in the unit")];
}
