/** Properties of a message, looked up in the bytes of its record: found in one pass, decoded when they are asked for. */

import { decodeUtf8, encodeUtf8 } from "../../../client/protocol/bytes.ts";

const NAME_VALUE_SEPARATOR = 1;
const PROPERTY_SEPARATOR = 2;

/** Looks up some properties, each known by its index in `names`, in one message after the other. */
export class RecordProperties {
  readonly #names: readonly Uint8Array[];
  /** Where the values are; an end of 0 for a property that the message lacks. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** The values that were asked for; undefined when they were not yet. */
  readonly #texts: (string | null | undefined)[];
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(names: readonly string[]) {
    this.#names = names.map(encodeUtf8);
    this.#starts = new Int32Array(names.length);
    this.#ends = new Int32Array(names.length);
    this.#texts = names.map(() => null);
  }

  /**
   * Turns to the message whose properties string lies in `bytes` from `start` to `end`. The bytes must stay as they are
   * for as long as `text` is called. What Java leaves out is left out: a piece without a name or a value.
   */
  load(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    for (let index = 0; index < this.#texts.length; index++) {
      this.#ends[index] = 0;
      this.#texts[index] = null;
    }
    for (let position = start; position < end;) {
      const nameStart = position;
      let byte = 0;
      for (; position < end; position++) {
        byte = bytes[position]!;
        if (byte === NAME_VALUE_SEPARATOR || byte === PROPERTY_SEPARATOR) break;
      }
      const nameEnd = position;
      while (position < end && bytes[position] !== PROPERTY_SEPARATOR) position++;
      if (byte === NAME_VALUE_SEPARATOR && nameEnd > nameStart && position > nameEnd + 1) {
        this.#note(nameStart, nameEnd, position);
      }
      position++;
    }
  }

  /** The last of two properties with one name counts. */
  #note(nameStart: number, nameEnd: number, end: number): void {
    const bytes = this.#bytes;
    const length = nameEnd - nameStart;
    for (let index = 0; index < this.#names.length; index++) {
      const name = this.#names[index]!;
      if (name.length !== length) continue;
      let at = 0;
      while (at < length && name[at] === bytes[nameStart + at]) at++;
      if (at < length) continue;
      this.#starts[index] = nameEnd + 1;
      this.#ends[index] = end;
      this.#texts[index] = undefined;
      return;
    }
  }

  /** The value of the property with this index, or null when the message lacks it. */
  text(index: number): string | null {
    const known = this.#texts[index];
    if (known !== undefined) return known;
    const text = decodeUtf8(this.#bytes, this.#starts[index]!, this.#ends[index]!);
    return this.#texts[index] = text;
  }
}
