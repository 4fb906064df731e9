/** Data folders for the tests of the tools: made by the store itself, then damaged. */

import { encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { parseDelayLevels } from "../../../server/broker/schedule.ts";
import { SCHEDULE_TOPIC } from "../../../store/dispatch.ts";
import { denoFileSystem, type FileSystem } from "../../../store/file_system.ts";
import type { MessageStore, StoreOptions, StoreSettings } from "../../../store/message_store.ts";
import type { FindingKind } from "../../../store/tools/findings.ts";
import { planRepair } from "../../../store/tools/repair_plan.ts";
import { repairStore } from "../../../store/tools/repair.ts";
import { type VerifyOptions, verifyStore } from "../../../store/tools/verify.ts";
import type { VerifyReport } from "../../../store/tools/verify_report.ts";
import { messageToStore, openStore } from "../../helpers/store.ts";

export const LOG_BYTES = 16 * 1024;
export const FILE_SETTINGS = {
  mappedFileSizeCommitLog: LOG_BYTES,
  mappedFileSizeConsumeQueue: 20 * 50,
  maxHashSlotNum: 100,
  maxIndexNum: 150,
};
const DELAY_LEVELS = parseDelayLevels("1s 5s 10s");
const TOPICS = [["Orders", 0], ["Orders", 1], ["Payments", 0], [SCHEDULE_TOPIC, 1]] as const;

/** Opens a store whose files are as small as the tests expect. */
export function openSmall(
  folder: string,
  settings: Partial<StoreSettings> = {},
  options: Partial<StoreOptions> = {},
): MessageStore {
  const small = { ...FILE_SETTINGS, ...settings };
  return openStore(folder, small, { delayLevels: DELAY_LEVELS, ...options });
}

/** Puts messages into four queues, with keys, tags and delays. */
export function putMessages(store: MessageStore, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    const [topic, queueId] = TOPICS[n % TOPICS.length]!;
    const delay = topic === SCHEDULE_TOPIC
      ? "DELAY\u00012\u0002REAL_TOPIC\u0001Orders\u0002REAL_QID\u00010\u0002"
      : "";
    const properties = `KEYS\u0001key${n} all\u0002UNIQ_KEY\u0001id${n}\u0002TAGS\u0001tag${
      n % 3
    }\u0002`;
    store.putMessage(messageToStore(topic, encodeUtf8(bodyOf(n)), {
      queueId,
      bornTimestamp: n,
      properties: properties + delay,
    }));
    if (n % 7 === 0) store.commit();
  }
  store.commit();
}

/** The body of a message, by its bornTimestamp. */
export function bodyOf(n: number): string {
  return `body ${n} `.repeat(1 + n % 20);
}

/** A folder with so many messages, closed in order. */
export async function soundFolder(count = 400): Promise<string> {
  const folder = Deno.makeTempDirSync();
  await using store = openSmall(folder);
  putMessages(store, 0, count);
  return folder;
}

/** A folder as a kill leaves it: the first part is in a checkpoint, the rest is not. */
export async function killedFolder(before = 200, after = 200): Promise<string> {
  const folder = Deno.makeTempDirSync();
  const killed = Deno.makeTempDirSync();
  await using store = openSmall(folder);
  putMessages(store, 0, before);
  await store.checkpoint();
  putMessages(store, before, before + after);
  copyFolder(folder, killed);
  return killed;
}

export function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) {
    const [source, target] = [`${from}/${entry.name}`, `${to}/${entry.name}`];
    if (entry.isDirectory) copyFolder(source, target);
    else Deno.copyFileSync(source, target);
  }
}

/** Checks a folder with the settings that its files tell. */
export function verify(folder: string, options: Partial<VerifyOptions> = {}): VerifyReport {
  return verifyStore({
    folder,
    commitLogFolder: "",
    settings: FILE_SETTINGS,
    given: {},
    messageIndexEnable: true,
    delayLevels: DELAY_LEVELS,
    now: Date.now(),
    onProgress: () => {},
    ...options,
  });
}

/** The kinds of what was found, those of damage first. */
export function kindsOf({ findings }: VerifyReport): { damage: FindingKind[]; notes: string[] } {
  const of = (severity: string) =>
    [
      ...new Set(findings.kept.filter((it) => it.severity === severity).map((it) => it.kind)),
    ].sort();
  return { damage: of("damage"), notes: of("note") };
}

/** Repairs a folder; gives the folder with what was there before. */
export async function repair(
  folder: string,
  fileSystem: FileSystem = denoFileSystem,
  options: Partial<VerifyOptions> = {},
): Promise<string> {
  const report = verify(folder, options);
  return await repairStore(report, planRepair(report), {
    fileSystem,
    now: Date.UTC(2026, 10, 24, 10),
    delayLevels: DELAY_LEVELS,
    onProgress: () => {},
  });
}

export function logFile(folder: string, start = 0): string {
  return `${folder}/commitlog/${String(start).padStart(20, "0")}`;
}

export function queueFile(folder: string, queue: string, start = 0): string {
  return `${folder}/consumequeue/${queue}/${String(start).padStart(20, "0")}`;
}

export function indexFile(folder: string, number = 0): string {
  const names = [...Deno.readDirSync(`${folder}/index`)].map(({ name }) => name).sort();
  return `${folder}/index/${names[number]!}`;
}

/** Changes bytes of a file. */
export function change(path: string, edit: (bytes: Uint8Array) => void): void {
  const bytes = Deno.readFileSync(path);
  edit(bytes);
  Deno.writeFileSync(path, bytes);
}

/** Every file with its bytes and the time of its last change. */
export function contentsOf(folder: string): Map<string, string> {
  const contents = new Map<string, string>();
  const visit = (path: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(path)) {
      const inner = `${path}/${name}`;
      if (isDirectory) visit(inner);
      else {
        const mtime = Deno.statSync(inner).mtime!.getTime();
        contents.set(inner, `${mtime} ${Deno.readFileSync(inner).toHex()}`);
      }
    }
    contents.set(path, String(Deno.statSync(path).mtime!.getTime()));
  };
  if (denoFileSystem.existsSync(folder)) visit(folder);
  return contents;
}
