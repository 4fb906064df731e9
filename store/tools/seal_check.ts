/**
 * Looks for records that have lost the checksum of their own, which a damaged disk can do to them without anything else
 * to be seen: their body is proven by its own checksum, the rest of them by nothing.
 */

/** More such records in a row were written without one, by Apache or with enabledAppendPropCRC=false. */
const ROW_MAX = 3;

export class SealCheck {
  /** Whether the record before the row had a checksum. */
  #isSealed = false;
  #rowCount = 0;
  #rowOffset = 0;
  /** Records without a checksum between others that have one, and where the first is. */
  count = 0;
  firstOffset = -1;

  /** The next record of the log. */
  onRecord(physicalOffset: number, isSealed: boolean): void {
    if (!isSealed) {
      if (this.#rowCount++ === 0) this.#rowOffset = physicalOffset;
      return;
    }
    if (this.#isSealed && this.#rowCount > 0 && this.#rowCount <= ROW_MAX) {
      if (this.count === 0) this.firstOffset = this.#rowOffset;
      this.count += this.#rowCount;
    }
    this.#isSealed = true;
    this.#rowCount = 0;
  }
}
