/** What a store tells of itself. */

/** Counters since the start, and places in the log. */
export interface StoreStats {
  /** Messages that were put; divided by `syncCount` it says how many share an fdatasync. */
  putCount: number;
  syncCount: number;
  minOffset: number;
  maxOffset: number;
  durableOffset: number;
}

/** What a start found. */
export interface RecoveryReport {
  clean: boolean;
  scannedRecords: number;
  endOffset: number;
  torn: string | undefined;
  /** Queues or index were damaged; they were made anew for the messages from this physicalOffset on. */
  madeAnewFrom: number | undefined;
  millis: number;
}
