/** Waits for a condition that no event announces. */

const LIMIT_MILLIS = 10_000;
const POLL_MILLIS = 10;

/** Resolves once `condition` holds. @throws after ten seconds, with what was waited for. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + LIMIT_MILLIS;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Not within ${LIMIT_MILLIS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
}
