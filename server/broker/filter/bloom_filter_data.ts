/**
 * The bits that Apache gives a filter in the bitmaps of its extended consume queues. Comet has no such bitmaps, but
 * Apache drops a whole `consumerFilter.json` in which they are missing.
 * Source: BloomFilter.java of Apache RocketMQ 5.3.3, and Guava's murmur3_128 with seed 0.
 */

import { encodeUtf8, viewOf } from "../../../client/protocol/bytes.ts";

export interface BloomFilterData {
  readonly bitNum: number;
  readonly bitPos: readonly number[];
}

/** What follows from Apache's defaults, maxErrorRateOfBloomFilter 20 and expectConsumerNumUseFilter 32. */
const BIT_COUNT = 112;
const HASH_COUNT = 3;

/** The bits of a group's filter on a topic. */
export function bloomFilterData(consumerGroup: string, topic: string): BloomFilterData {
  const hash = murmur3(encodeUtf8(`${consumerGroup}#${topic}`));
  const first = Number(BigInt.asIntN(32, hash));
  const second = Number(BigInt.asIntN(32, hash >> 32n));
  const bitPos = Array.from({ length: HASH_COUNT }, (_, index) => {
    const combined = (first + (index + 1) * second) | 0;
    return (combined < 0 ? ~combined : combined) % BIT_COUNT;
  });
  return { bitNum: BIT_COUNT, bitPos };
}

const FACTOR_1 = 0x87c37b91114253d5n;
const FACTOR_2 = 0x4cf5ad432745937fn;
const BLOCK_BYTES = 16;

/** The first 64 of the 128 bits. */
function murmur3(bytes: Uint8Array): bigint {
  // The last block is filled up with zeros, which add nothing.
  const padded = new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(bytes);
  const view = viewOf(padded);
  let first = 0n;
  let second = 0n;
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    const isWhole = at + BLOCK_BYTES <= bytes.length;
    first ^= mixed(view.getBigUint64(at, true), FACTOR_1, 31n, FACTOR_2);
    if (isWhole) first = wrapped((rotated(first, 27n) + second) * 5n + 0x52dce729n);
    second ^= mixed(view.getBigUint64(at + 8, true), FACTOR_2, 33n, FACTOR_1);
    if (isWhole) second = wrapped((rotated(second, 31n) + first) * 5n + 0x38495ab5n);
  }
  const length = BigInt(bytes.length);
  first = wrapped((first ^ length) + (second ^ length));
  second = wrapped(first + (second ^ length));
  return wrapped(finished(first) + finished(second));
}

function mixed(block: bigint, before: bigint, bits: bigint, after: bigint): bigint {
  return wrapped(rotated(wrapped(block * before), bits) * after);
}

function finished(hash: bigint): bigint {
  hash = wrapped((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn);
  hash = wrapped((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return hash ^ (hash >> 33n);
}

function rotated(value: bigint, bits: bigint): bigint {
  return wrapped((value << bits) | (value >> (64n - bits)));
}

function wrapped(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
