/**
 * Pieces of the log that were read from its files a moment ago. Queues lie interleaved in the log, so whoever reads one
 * queue reads its neighbours too; and consumers that are behind often are so together.
 *
 * The pages' memory is used again and again, since the runtime frees buffers late. So whoever reads a page has a lease
 * on it meanwhile.
 */

import type { SegmentList } from "./segment_list.ts";

const PAGE_BYTES = 256 * 1024;
/** 8 MiB for everybody who reads from the files. */
const PAGES_MAX = 32;

interface Page {
  readonly start: number;
  /** All of its memory. */
  readonly buffer: Uint8Array;
  /** What the log has of it; the last page of the log may be short. */
  readonly bytes: Uint8Array;
  leaseCount: number;
  isCached: boolean;
}

interface Loading {
  /** How many wait for it. */
  leaseCount: number;
  page: Promise<Page> | undefined;
}

export class PageCache {
  readonly #segments: SegmentList;
  /** Offset up to which the files hold the log. */
  readonly #writtenOffset: () => number;
  /** By the offset of their first byte, the least recently used first. Their bytes never change: they are written. */
  readonly #pages = new Map<number, Page>();
  readonly #loading = new Map<number, Loading>();
  readonly #freeBuffers: Uint8Array[] = [];

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

  lease(): PageLease {
    return new PageLease(this);
  }

  /** The page that begins at `start`, if it is here; for PageLease. */
  take(start: number): Page | undefined {
    const page = this.#pages.get(start);
    if (page === undefined) return undefined;
    this.#pages.delete(start);
    this.#pages.set(start, page);
    page.leaseCount++;
    return page;
  }

  /** Reads the page that begins at `start`, off the event loop, once for all who ask meanwhile; for PageLease. */
  async load(start: number): Promise<Page> {
    const underWay = this.#loading.get(start);
    if (underWay !== undefined) {
      underWay.leaseCount++;
      return await underWay.page!;
    }
    const loading: Loading = { leaseCount: 1, page: undefined };
    this.#loading.set(start, loading);
    return await (loading.page = this.#read(start, loading).catch((error) => {
      this.#loading.delete(start);
      throw error;
    }));
  }

  async #read(start: number, loading: Loading): Promise<Page> {
    const segment = this.#segments.find(start);
    if (segment === undefined) throw new RangeError(`The log has no offset ${start} any more`);
    const end = Math.min(start + PAGE_BYTES, segment.end, this.#writtenOffset());
    const buffer = this.#freeBuffers.pop() ?? new Uint8Array(PAGE_BYTES);
    const bytes = buffer.subarray(0, end - start);
    // A file that has lost its end reads as damaged there, not as an error that would come again and again.
    bytes.fill(0, await segment.read(bytes, start));
    // From here on nobody joins who is not counted.
    this.#loading.delete(start);
    const page = { start, buffer, bytes, leaseCount: loading.leaseCount, isCached: true };
    this.#drop(this.#pages.get(start));
    this.#pages.set(start, page);
    if (this.#pages.size > PAGES_MAX) this.#drop(this.#pages.values().next().value);
    return page;
  }

  /** Ends one use of a page; for PageLease. */
  release(page: Page): void {
    page.leaseCount--;
    this.#reuse(page);
  }

  #drop(page: Page | undefined): void {
    if (page === undefined) return;
    this.#pages.delete(page.start);
    page.isCached = false;
    this.#reuse(page);
  }

  #reuse(page: Page): void {
    if (page.isCached || page.leaseCount > 0) return;
    if (this.#freeBuffers.length < PAGES_MAX) this.#freeBuffers.push(page.buffer);
  }

  /** Forgets what lies at and after `offset`, which is written anew. */
  truncate(offset: number): void {
    for (const page of [...this.#pages.values()]) {
      if (page.start + page.bytes.length > offset) this.#drop(page);
    }
  }
}

/** Some pages that stay as they are until the lease ends. */
export class PageLease implements Disposable {
  readonly #cache: PageCache;
  readonly #pages = new Map<number, Page>();

  constructor(cache: PageCache) {
    this.#cache = cache;
  }

  /** Where the page begins that holds `offset`. */
  startOf(offset: number): number {
    return this.#cache.startOf(offset);
  }

  /** The page that begins at `start`; undefined when it has to be loaded. */
  get(start: number): Uint8Array | undefined {
    let page = this.#pages.get(start);
    if (page === undefined) {
      page = this.#cache.take(start);
      if (page !== undefined) this.#pages.set(start, page);
    }
    return page?.bytes;
  }

  /** Reads the page that begins at `start`, also when there is a shorter one of it. */
  async load(start: number): Promise<void> {
    const page = await this.#cache.load(start);
    const shorter = this.#pages.get(start);
    if (shorter !== undefined) this.#cache.release(shorter);
    this.#pages.set(start, page);
  }

  /** Ends the lease with the current turn of the event loop, so that views hold until the next await. */
  [Symbol.dispose](): void {
    if (this.#pages.size === 0) return;
    setTimeout(() => {
      for (const page of this.#pages.values()) this.#cache.release(page);
    }, 0);
  }
}
