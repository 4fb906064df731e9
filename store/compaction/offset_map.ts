/**
 * The newest queueOffset of each key, in a bounded amount of memory. Apache keeps an MD5 of each key; here the keys
 * themselves are kept, so that two of them can never be taken for one.
 *
 * ```
 *  slots    hash → entry + 1          open addressing, at most half full
 *  entries  hash | place of the key | its length | queueOffset
 *  chunks   the keys' bytes, one after the other
 * ```
 */

/** What an entry takes beside its key: hash 4, place 4, length 2, queueOffset 8, and two slots of 4. */
const ENTRY_BYTES = 26;
const CHUNK_BYTES = 1 << 20;
/** So many keys always fit, or a small limit would never let compaction go on. */
const KEYS_MIN = 100;

export class OffsetMap {
  readonly #bytesMax: number;
  readonly #slots: Int32Array;
  readonly #hashes: Int32Array;
  readonly #places: Uint32Array;
  readonly #lengths: Uint16Array;
  readonly #offsets: Float64Array;
  readonly #chunks: Uint8Array[] = [];
  #keyBytes = 0;
  #size = 0;

  /** @param bytesMax what it may take; @param keysMax how many keys there can be at most, at least 1. */
  constructor(bytesMax: number, keysMax: number) {
    this.#bytesMax = bytesMax;
    const capacity = Math.min(keysMax, Math.max(KEYS_MIN, Math.floor(bytesMax / ENTRY_BYTES)));
    // Zeroed memory comes from the system page by page: a table costs what is used of it.
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(capacity * 2)));
    this.#hashes = new Int32Array(capacity);
    this.#places = new Uint32Array(capacity);
    this.#lengths = new Uint16Array(capacity);
    this.#offsets = new Float64Array(capacity);
  }

  /** The number of keys. */
  get size(): number {
    return this.#size;
  }

  /** Notes the offset of a key, which is newer than what was noted before. False when there is no room for one more. */
  put(bytes: Uint8Array, start: number, end: number, queueOffset: number): boolean {
    const hash = hashOf(bytes, start, end);
    const slot = this.#findSlot(bytes, start, end, hash);
    const entry = this.#slots[slot]! - 1;
    if (entry >= 0) {
      this.#offsets[entry] = queueOffset;
      return true;
    }
    const length = end - start;
    if (!this.#hasRoom(length)) return false;
    const added = this.#size++;
    this.#slots[slot] = added + 1;
    this.#hashes[added] = hash;
    this.#places[added] = this.#keep(bytes.subarray(start, end));
    this.#lengths[added] = length;
    this.#offsets[added] = queueOffset;
    return true;
  }

  /** The newest offset of a key; -1 when it is not there. */
  get(bytes: Uint8Array, start: number, end: number): number {
    const slot = this.#findSlot(bytes, start, end, hashOf(bytes, start, end));
    const entry = this.#slots[slot]! - 1;
    return entry < 0 ? -1 : this.#offsets[entry]!;
  }

  #hasRoom(length: number): boolean {
    if (this.#size === this.#offsets.length) return false;
    const bytes = (this.#size + 1) * ENTRY_BYTES + this.#keyBytes + length;
    return bytes <= this.#bytesMax || this.#size < KEYS_MIN;
  }

  /** The slot of a key, or the free one where it belongs. */
  #findSlot(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask;; slot = slot + 1 & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return slot;
      if (this.#hashes[entry] === hash && this.#isKey(entry, bytes, start, end)) return slot;
    }
  }

  #isKey(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#lengths[entry]!;
    if (length !== end - start) return false;
    const place = this.#places[entry]!;
    const chunk = this.#chunks[Math.floor(place / CHUNK_BYTES)]!;
    const from = place % CHUNK_BYTES;
    for (let index = 0; index < length; index++) {
      if (chunk[from + index] !== bytes[start + index]) return false;
    }
    return true;
  }

  /** Copies a key; gives its place. A key never goes over into the next chunk. */
  #keep(key: Uint8Array): number {
    const room = this.#chunks.length * CHUNK_BYTES - this.#keyBytes;
    if (room < key.length) {
      this.#keyBytes += room;
      this.#chunks.push(new Uint8Array(CHUNK_BYTES));
    }
    const place = this.#keyBytes;
    this.#chunks.at(-1)!.set(key, place % CHUNK_BYTES);
    this.#keyBytes += key.length;
    return place;
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ hash >>> 15;
}
