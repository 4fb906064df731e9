/** Data folders that must not be opened as they are, since that would leave out or destroy what is in them. */

import type { CommitLog } from "./commit_log.ts";
import { StoreUnwritableError } from "./errors.ts";
import type { FileSystem } from "./file_system.ts";
import { isClosed } from "./folder.ts";
import { Segment } from "./segment_list.ts";

/**
 * @throws {StoreUnwritableError} when `folder` is such a one; {CorruptStoreError} when its queues have files of another
 * size than `queueFileBytes`. Nothing is changed.
 */
export function refuseUnservedFolder(
  fileSystem: FileSystem,
  folder: string,
  { segments }: Pick<CommitLog, "segments">,
  queueFileBytes: number,
): void {
  const [batchTopic] = fileSystem.listSync(`${folder}/batchconsumequeue`);
  if (batchTopic !== undefined) {
    // Comet would put their messages into queues of the usual kind, with which Apache does not start any more.
    throw new StoreUnwritableError(
      `Cannot use the data folder ${folder}: topic ${batchTopic} has queues of the kind BatchCQ, ` +
        "which Comet does not serve. Delete such topics with Apache's broker first",
    );
  }
  const queues = `${folder}/consumequeue`;
  const [topic] = fileSystem.listSync(queues);
  if (segments.first === undefined && topic !== undefined) {
    throw new StoreUnwritableError(
      `Cannot use the data folder ${folder}: it has queues, of topic ${topic} for example, but ` +
        `there is no commit log in ${segments.folder}. Set storePathCommitLog as it was, or ` +
        "remove the folder consumequeue to begin with an empty log",
    );
  }
  const [queueId] = fileSystem.listSync(`${queues}/${topic}`);
  const name = fileSystem.listSync(`${queues}/${topic}/${queueId}`).at(-1);
  if (name === undefined || !/^\d{20}$/.test(name)) return;
  // All have one size, and most are not opened before somebody asks for them.
  const path = `${queues}/${topic}/${queueId}/${name}`;
  const segment = new Segment(fileSystem, path, Number(name), queueFileBytes);
  try {
    segment.checkSize(!isClosed(fileSystem, folder));
  } finally {
    segment.close();
  }
}
