/** Listening on a port, with an error that names it. */

/**
 * Runs `listen`, which takes the port.
 * @throws {Deno.errors.AddrInUse} naming the port and what to do, when another program has it.
 */
export function takePort<T>(hostname: string, port: number, flag: string, listen: () => T): T {
  try {
    return listen();
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Deno.errors.AddrInUse(
      `port ${port} of ${hostname} is in use; stop the program that has it, or choose another with ${flag}`,
    );
  }
}
