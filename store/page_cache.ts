/**
 * Pieces of the log that were read from its files a moment ago. Queues lie interleaved in the log, so whoever reads one
 * queue reads its neighbours too; and consumers that are behind often are so together.
 */

import type { SegmentList } from "./segment_list.ts";

const PAGE_BYTES = 256 * 1024;
/** 8 MiB for everybody who reads from the files. */
const PAGES_MAX = 32;

export class PageCache {
  readonly #segments: SegmentList;
  /** Offset up to which the files hold the log. */
  readonly #writtenOffset: () => number;
  /** By the offset of their first byte, the least recently used first. Pages never change: their bytes are written. */
  readonly #pages = new Map<number, Uint8Array>();
  readonly #loading = new Map<number, Promise<Uint8Array>>();

  constructor(segments: SegmentList, writtenOffset: () => number) {
    this.#segments = segments;
    this.#writtenOffset = writtenOffset;
  }

  /** Where the page begins that holds `offset`. Pages do not go over from one segment to the next. */
  startOf(offset: number): number {
    const segment = this.#segments.find(offset);
    if (segment === undefined) throw new RangeError(`The log has no offset ${offset}`);
    return offset - (offset - segment.start) % PAGE_BYTES;
  }

  /** The page that begins at `start`, if it is here. The last one of the log may be short. */
  get(start: number): Uint8Array | undefined {
    const page = this.#pages.get(start);
    if (page === undefined) return undefined;
    this.#pages.delete(start);
    this.#pages.set(start, page);
    return page;
  }

  /** Reads the page that begins at `start`, off the event loop; once for all who ask meanwhile. */
  load(start: number): Promise<Uint8Array> {
    let loading = this.#loading.get(start);
    if (loading === undefined) {
      loading = this.#read(start).finally(() => this.#loading.delete(start));
      this.#loading.set(start, loading);
    }
    return loading;
  }

  async #read(start: number): Promise<Uint8Array> {
    const segment = this.#segments.find(start);
    if (segment === undefined) throw new RangeError(`The log has no offset ${start} any more`);
    const end = Math.min(start + PAGE_BYTES, segment.end, this.#writtenOffset());
    const page = new Uint8Array(end - start);
    const count = await segment.read(page, start);
    if (count < page.length) {
      throw new Error(`Cannot read ${page.length} bytes of the commit log at offset ${start}`);
    }
    this.#pages.delete(start);
    this.#pages.set(start, page);
    if (this.#pages.size > PAGES_MAX) this.#pages.delete(this.#pages.keys().next().value!);
    return page;
  }

  /** Forgets what lies at and after `offset`, which is written anew. */
  truncate(offset: number): void {
    for (const [start, page] of [...this.#pages]) {
      if (start + page.length > offset) this.#pages.delete(start);
    }
  }
}
