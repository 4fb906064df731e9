/** Ports that stay the same for a whole run, so that a restarted server is found again. */

/** A base port below those that clients connect from, free together with `base + offset` for each of the offsets. */
export function freePortBase(offsets: readonly number[]): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const base = 20_000 + 10 * Math.floor(Math.random() * 1_200);
    if (offsets.every((offset) => isFree(base + offset))) return base;
  }
  throw new Error("Cannot find free ports between 20000 and 32000");
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
