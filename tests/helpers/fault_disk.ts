/**
 * A disk in memory that forgets as real ones do. Every file has its bytes twice: as programs see them (the page cache)
 * and as they are on the medium. An fsync brings the pages that differ to the medium; a power loss keeps, of the others,
 * some: each page is old, new, or torn at a sector. Names are the same: what a folder's fsync has not covered may be lost.
 */

import type { Random } from "./random.ts";

export const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;

/** A page that differs from the medium, as it was at some time. */
interface DirtyPage {
  page: number;
  /** When it was written last; counts up with each write. */
  stamp: number;
  bytes: Uint8Array;
}

/** What an fsync is to bring to the medium. */
export interface SyncWork {
  pages: DirtyPage[];
  size: number;
}

export class DiskFile {
  /** As programs see it; zeros follow after `size`. */
  #cached = new Uint8Array(0);
  #medium = new Uint8Array(0);
  #size = 0;
  #mediumSize = 0;
  #dirty = new Map<number, number>();
  #mediumStamps = new Map<number, number>();
  #sizeIsDirty = false;
  #stamp = 0;
  /** Pages that take space. */
  readonly #allocated = new Set<number>();

  get size(): number {
    return this.#size;
  }

  get usedPages(): number {
    return this.#allocated.size;
  }

  /** Pages that a write would take from the free space. */
  newPages(position: number, length: number): number {
    let count = 0;
    for (const page of pagesOf(position, length)) if (!this.#allocated.has(page)) count++;
    return count;
  }

  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.#size - position));
    into.set(this.#cached.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    if (position + bytes.length > this.#size) this.#resize(position + bytes.length);
    this.#cached.set(bytes, position);
    for (const page of pagesOf(position, bytes.length)) {
      this.#allocated.add(page);
      this.#dirty.set(page, ++this.#stamp);
    }
  }

  truncate(size: number): void {
    if (size < this.#size) {
      this.#cached.fill(0, size, this.#size);
      for (const page of pagesOf(size, this.#size - size)) {
        if (!this.#allocated.has(page)) continue;
        this.#dirty.set(page, ++this.#stamp);
        if (page * PAGE_BYTES >= size) this.#allocated.delete(page);
      }
    }
    this.#resize(size);
  }

  #resize(size: number): void {
    if (size !== this.#size) this.#sizeIsDirty = true;
    this.#size = size;
    this.#cached = grown(this.#cached, size);
  }

  /** What an fsync that begins now has to do at least. */
  syncWork(): SyncWork {
    const pages = [...this.#dirty].map(([page, stamp]) => ({
      page,
      stamp,
      bytes: this.#pageBytes(page),
    }));
    return { pages, size: this.#size };
  }

  #pageBytes(page: number): Uint8Array {
    return this.#cached.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  }

  /** An fsync has ended well. */
  synced({ pages, size }: SyncWork): void {
    for (const page of pages) this.#toMedium(page);
    this.#mediumSize = size;
    if (size === this.#size) this.#sizeIsDirty = false;
  }

  /** An fsync has failed: whatever has not reached the medium counts as clean from now on, as in Linux. */
  syncFailed({ pages }: SyncWork, random: Random): void {
    for (const page of pages) {
      if (random(3) === 0) this.#toMedium(page);
      else if (this.#dirty.get(page.page) === page.stamp) this.#dirty.delete(page.page);
    }
    this.#sizeIsDirty = false;
  }

  #toMedium({ page, stamp, bytes }: DirtyPage): void {
    if (stamp < (this.#mediumStamps.get(page) ?? 0)) return;
    this.#medium = grown(this.#medium, page * PAGE_BYTES + bytes.length);
    this.#medium.set(bytes, page * PAGE_BYTES);
    this.#mediumStamps.set(page, stamp);
    if (this.#dirty.get(page) === stamp) this.#dirty.delete(page);
  }

  /** The system writes a page of its own accord. */
  writeBack(random: Random): void {
    const dirty = [...this.#dirty];
    if (dirty.length === 0) return;
    const [page, stamp] = dirty[random(dirty.length)]!;
    this.#toMedium({ page, stamp, bytes: this.#pageBytes(page) });
  }

  /** The file as a process finds it after another one has died: nothing is lost, nothing more is safe. */
  copy(): DiskFile {
    const copy = new DiskFile();
    copy.#cached = this.#cached.slice();
    copy.#medium = this.#medium.slice();
    copy.#size = this.#size;
    copy.#mediumSize = this.#mediumSize;
    copy.#dirty = new Map(this.#dirty);
    copy.#mediumStamps = new Map(this.#mediumStamps);
    copy.#sizeIsDirty = this.#sizeIsDirty;
    copy.#stamp = this.#stamp;
    for (const page of this.#allocated) copy.#allocated.add(page);
    return copy;
  }

  /** The file after a power loss. */
  survivor(random: Random): DiskFile {
    const survivor = new DiskFile();
    const size = this.#sizeIsDirty && random(2) === 0 ? this.#size : this.#mediumSize;
    survivor.#size = survivor.#mediumSize = size;
    const pages = Math.max(-1, ...this.#dirty.keys()) + 1;
    survivor.#medium = grown(this.#medium.slice(), Math.max(size, pages * PAGE_BYTES));
    for (const page of this.#dirty.keys()) this.#keepSome(survivor.#medium, page, random);
    survivor.#medium = survivor.#medium.slice(0, size);
    survivor.#cached = survivor.#medium.slice();
    for (let page = 0; page * PAGE_BYTES < size; page++) {
      const bytes = survivor.#medium.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      if (bytes.some((byte) => byte !== 0)) survivor.#allocated.add(page);
    }
    return survivor;
  }

  #keepSome(medium: Uint8Array, page: number, random: Random): void {
    const fate = random(8);
    const start = page * PAGE_BYTES;
    // What lay behind the end of a file that was cut is gone either way.
    if (fate < 3 || start >= medium.length) return;
    if (fate < 6) return medium.set(this.#pageBytes(page), start);
    for (let at = start; at < start + PAGE_BYTES; at += SECTOR_BYTES) {
      if (random(2) === 0) medium.set(this.#cached.subarray(at, at + SECTOR_BYTES), at);
    }
  }
}

function* pagesOf(position: number, length: number): Generator<number> {
  const end = position + length;
  for (let page = Math.floor(position / PAGE_BYTES); page * PAGE_BYTES < end; page++) yield page;
}

/** At least `size` bytes, in whole pages. */
function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (bytes.length >= size) return bytes;
  const larger = new Uint8Array(Math.ceil(size / PAGE_BYTES) * PAGE_BYTES);
  larger.set(bytes);
  return larger;
}

export type DiskEntry = DiskFile | "folder";

/** A change of a folder's names. */
type NameChange =
  | { kind: "add"; folder: string; path: string; entry: DiskEntry }
  | { kind: "remove"; folder: string; path: string; entry: DiskEntry }
  | { kind: "rename"; folder: string; path: string; to: string; entry: DiskEntry };

export class Disk {
  /** By path; the root is always there. */
  readonly names: Map<string, DiskEntry>;
  readonly #mediumNames: Map<string, DiskEntry>;
  #changes: NameChange[] = [];

  constructor(names: Map<string, DiskEntry> = new Map([["/", "folder"]])) {
    this.names = names;
    this.#mediumNames = new Map(names);
  }

  file(path: string): DiskFile | undefined {
    const entry = this.names.get(path);
    return entry === "folder" ? undefined : entry;
  }

  *files(): Generator<DiskFile> {
    for (const entry of this.names.values()) if (entry !== "folder") yield entry;
  }

  get usedBytes(): number {
    let pages = 0;
    for (const file of this.files()) pages += file.usedPages;
    return pages * PAGE_BYTES;
  }

  add(path: string, entry: DiskEntry): void {
    this.names.set(path, entry);
    this.#changes.push({ kind: "add", folder: folderOf(path), path, entry });
  }

  remove(path: string): void {
    const entry = this.names.get(path)!;
    this.names.delete(path);
    this.#changes.push({ kind: "remove", folder: folderOf(path), path, entry });
  }

  rename(path: string, to: string): void {
    const entry = this.names.get(path)!;
    this.names.delete(path);
    this.names.set(to, entry);
    this.#changes.push({ kind: "rename", folder: folderOf(path), path, to, entry });
  }

  /** What an fsync of a folder that begins now has to do at least. */
  folderWork(folder: string): NameChange[] {
    return this.#changes.filter((change) => change.folder === folder);
  }

  folderSynced(work: NameChange[]): void {
    const done = new Set(work);
    this.#changes = this.#changes.filter((change) => !done.has(change));
    for (const change of work) applyChange(this.#mediumNames, change);
  }

  /** As a new process finds the disk after one has died. */
  copy(): Disk {
    const copies = new Map<DiskEntry, DiskEntry>([["folder", "folder"]]);
    const copyOf = (entry: DiskEntry): DiskEntry => {
      let copy = copies.get(entry);
      if (copy === undefined) copies.set(entry, copy = (entry as DiskFile).copy());
      return copy;
    };
    const disk = new Disk(new Map([...this.names].map(([path, entry]) => [path, copyOf(entry)])));
    disk.#mediumNames.clear();
    for (const [path, entry] of this.#mediumNames) disk.#mediumNames.set(path, copyOf(entry));
    disk.#changes = this.#changes.map((change) => ({ ...change, entry: copyOf(change.entry) }));
    return disk;
  }

  /** As the machine finds the disk after a power loss. */
  survivor(random: Random): Disk {
    const names = new Map(this.#mediumNames);
    // Most file systems lose the newest changes only, some keep any of them.
    const inOrder = random(2) === 0 ? random(this.#changes.length + 1) : undefined;
    this.#changes.forEach((change, index) => {
      if (inOrder === undefined ? random(2) === 0 : index < inOrder) applyChange(names, change);
    });
    const survivors = new Map<DiskEntry, DiskEntry>([["folder", "folder"]]);
    const kept = new Map<string, DiskEntry>();
    for (const path of [...names.keys()].sort((a, b) => a.length - b.length)) {
      if (path !== "/" && kept.get(folderOf(path)) !== "folder") continue;
      const entry = names.get(path)!;
      if (!survivors.has(entry)) survivors.set(entry, (entry as DiskFile).survivor(random));
      kept.set(path, survivors.get(entry)!);
    }
    return new Disk(kept);
  }
}

function applyChange(names: Map<string, DiskEntry>, change: NameChange): void {
  const { kind, path, entry } = change;
  if (kind === "add") names.set(path, entry);
  else if (names.get(path) === entry) names.delete(path);
  if (kind === "rename") names.set(change.to, entry);
}

/** The folder that a name is in. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
