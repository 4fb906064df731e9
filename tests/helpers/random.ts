/** Random numbers that can be had again: the seed is printed. */

/** Makes a function that gives a whole number from 0 to below its argument. */
export function seededRandom(seed: number = Date.now() & 0xffffff): (below: number) => number {
  // deno-lint-ignore no-console -- a failure can only be repeated with its seed
  console.log(`seed ${seed}`);
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}
