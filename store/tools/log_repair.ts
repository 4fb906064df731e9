/** Changes to the log's files, each after what it changes has been kept. */

import type { FileSystem } from "../file_system.ts";
import { encodePart, type Patch } from "./filler.ts";
import type { RepairFolder } from "./repair_folder.ts";
import { fileBytes, type LogFiles } from "./store_files.ts";

/** Writes tombstones and fillers over damaged bytes; makes the files that are missing. */
export function patchLog(
  fileSystem: FileSystem,
  kept: RepairFolder,
  log: LogFiles,
  patches: readonly Patch[],
): void {
  for (const patch of patches) {
    const start = patch.start - patch.start % log.segmentBytes;
    const path = `${log.folder}/${String(start).padStart(20, "0")}`;
    if (fileSystem.existsSync(path)) {
      kept.keepBytes(path, patch.start - start, patch.end - patch.start, "damaged");
    }
    writePatch(fileSystem, path, { patch, start, segmentBytes: log.segmentBytes });
  }
  fileSystem.syncFolderSync(log.folder);
}

function writePatch(
  fileSystem: FileSystem,
  path: string,
  { patch, start, segmentBytes }: { patch: Patch; start: number; segmentBytes: number },
): void {
  const file = fileSystem.openSync(path, { create: true });
  try {
    if (file.sizeSync() < segmentBytes) file.truncateSync(segmentBytes);
    let offset = patch.start;
    for (const part of patch.parts) {
      const bytes = encodePart(part, offset, patch.storeTimestamp);
      file.writeSync(bytes, offset - start);
      if (part.kind === "blank") {
        file.truncateSync(offset - start + bytes.length);
        file.truncateSync(segmentBytes);
      }
      offset += part.bytes;
    }
    file.syncDataSync();
  } finally {
    file.close();
  }
}

/** Cuts the log at `offset`: from there on it is empty, and files behind are gone. */
export function cutLog(
  fileSystem: FileSystem,
  kept: RepairFolder,
  log: LogFiles,
  offset: number,
): void {
  const why = "behind the end of the log";
  for (const { path, start } of log.files.toReversed()) {
    if (start > offset) kept.keepAside(path, why);
    else if (offset < start + log.segmentBytes) {
      kept.keepBytes(path, offset - start, log.segmentBytes - (offset - start), why);
      const file = fileSystem.openSync(path, { create: false });
      try {
        file.truncateSync(offset - start);
        file.truncateSync(log.segmentBytes);
        file.syncDataSync();
      } finally {
        file.close();
      }
    }
  }
}

/** Brings a file to the size that it should have. */
export function resizeFile(
  fileSystem: FileSystem,
  kept: RepairFolder,
  path: string,
  bytes: number,
): void {
  const found = fileBytes(fileSystem, path);
  if (found > bytes) kept.keepBytes(path, bytes, found - bytes, "more than the file should have");
  const file = fileSystem.openSync(path, { create: false });
  try {
    file.truncateSync(bytes);
    file.syncDataSync();
  } finally {
    file.close();
  }
}
