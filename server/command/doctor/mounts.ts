/** What kind of file system a folder lies on, where Linux tells. */

/** One that holds a folder. */
export interface Mount {
  readonly mountPoint: string;
  /** As the kernel calls it: ext4, xfs, nfs4 … */
  readonly type: string;
}

/** What is gone when something ends, and what that is. */
export const TRANSIENT: Readonly<Record<string, string>> = {
  tmpfs: "its content is gone after a restart",
  ramfs: "its content is gone after a restart",
  overlay: "a container's own layer, gone with the container",
  aufs: "a container's own layer, gone with the container",
};

/** Starts of the names of file systems on other machines. */
export const UNSUITED: readonly string[] = ["nfs", "cifs", "smb", "9p", "fuse.sshfs", "fuse.s3"];

/** The file system of an existing folder; undefined where the system does not tell. */
export function fileSystemOf(folder: string): Mount | undefined {
  try {
    return mountOf(Deno.realPathSync(folder), Deno.readTextFileSync("/proc/self/mountinfo"));
  } catch {
    return undefined;
  }
}

/**
 * Finds the mount of an absolute path. A line of mountinfo (proc(5)) is
 * `id parent major:minor root mountPoint options [optional fields] - type source options`.
 */
export function mountOf(path: string, mountinfo: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split("\n")) {
    const [, mountPointText, type] = /^\S+ \S+ \S+ \S+ (\S+) .*? - (\S+) /.exec(line) ?? [];
    if (mountPointText === undefined) continue;
    const mountPoint = unescapeOctal(mountPointText);
    const isAbove = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    // Of several on one place the last hides the others.
    if (isAbove && mountPoint.length >= (best?.mountPoint.length ?? 0)) {
      best = { mountPoint, type: type! };
    }
  }
  return best;
}

/** The kernel writes a space in a name as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}
