/** Whether a process has a data folder, found out without changing anything in it. */

/**
 * Whether a running process holds the lock of the folder. Comet locks with flock; Java with a POSIX record lock, which
 * flock does not see and only Linux tells of.
 */
export function isLocked(folder: string): boolean {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(`${folder}/lock`, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    return !file.tryLockSync(false) || hasRecordLock(file.statSync().ino);
  } finally {
    file.close();
  }
}

/**
 * Reads /proc/locks, where a line is `id: POSIX ADVISORY WRITE pid major:minor:inode start end`. Apache locks the first
 * byte. The device is not compared: some file systems tell another one than they lock with.
 */
function hasRecordLock(inode: number | null): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    const pattern = new RegExp(`POSIX +\\S+ +WRITE +\\d+ +\\S+:${inode} 0 0$`, "m");
    return pattern.test(Deno.readTextFileSync("/proc/locks"));
  } catch {
    // Not every container lets it be read; then it cannot be told.
    return false;
  }
}
