/** Random numbers that can be had again: the seed is printed. */

/** Gives a whole number from 0 to below its argument. */
export type Random = (below: number) => number;

/** Random numbers whose seed is printed: the caller's, that of COMET_TEST_SEED, or the clock's. */
export function seededRandom(
  seed: number = Number(Deno.env.get("COMET_TEST_SEED") ?? Date.now() & 0xffffff),
): Random {
  // deno-lint-ignore no-console -- a failure can only be repeated with its seed
  console.log(`seed ${seed}`);
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

/** The same for a test that makes many of them and says the seed itself when one fails. */
export function quietRandom(seed: number): Random {
  // mulberry32: neighbouring seeds give unlike numbers.
  let state = seed | 0;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % below;
  };
}
