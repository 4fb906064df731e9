/** Opens a store with small files, so that a few messages fill several of each kind. */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { hostBytes } from "../../client/protocol/message.ts";
import type { MessageToStore } from "../../client/protocol/message_record.ts";
import { defaultConfig } from "../../server/config.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import { MessageStore, type StoreOptions, type StoreSettings } from "../../store/message_store.ts";

const SMALL_FILES = {
  mappedFileSizeCommitLog: 16 * 1024,
  mappedFileSizeConsumeQueue: 20 * 50,
  maxHashSlotNum: 100,
  maxIndexNum: 150,
  flushDiskType: "ASYNC_FLUSH",
} as const;

/** A store over a folder. What a test does not expect to happen throws. */
export function openStore(
  folder: string,
  settings: Partial<StoreSettings> = {},
  options: Partial<StoreOptions> = {},
): MessageStore {
  const unexpected = (error: Error) => {
    throw error;
  };
  return new MessageStore({
    settings: { ...defaultConfig(), ...SMALL_FILES, storePathRootDir: folder, ...settings },
    fileSystem: denoFileSystem,
    now: Date.now,
    delayLevels: [],
    onArrival: () => {},
    onPromised: () => {},
    onWriteFailed: (_offset, error) => unexpected(error),
    onUpkeepFailed: unexpected,
    onDamage: (report) => unexpected(new Error(`damage: ${JSON.stringify(report)}`)),
    onDeleted: () => {},
    onDiskFull: () => {},
    onFatal: unexpected,
    ...options,
  });
}

const HOST = hostBytes("127.0.0.1", 10911);

/** A message to put; `body` may be text. */
export function messageToStore(
  topic: string,
  body: string | Uint8Array,
  fields: Partial<MessageToStore> = {},
): MessageToStore {
  return {
    topic,
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    bornHost: HOST,
    storeHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: typeof body === "string" ? encodeUtf8(body) : body,
    properties: "",
    ...fields,
  };
}
