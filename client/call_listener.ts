/** One call of a consumer's listener, which is counted whatever comes of it. */

import type { ConsumerParts } from "./consumer_parts.ts";
import type { ReceivedMessage } from "./message.ts";

/**
 * Hands messages of a queue of `topic` to the listener. Returns whether it is done with them; what it throws is
 * reported. Never rejects.
 */
export async function callListener(
  { client, settings, stats }: Pick<ConsumerParts, "client" | "settings" | "stats">,
  topic: string,
  messages: readonly ReceivedMessage[],
): Promise<boolean> {
  const started = Date.now();
  let isOk = false;
  try {
    isOk = await settings.onMessages(messages) !== "RECONSUME_LATER";
  } catch (error) {
    client.reportError("a listener failed", error);
  }
  stats.consumed(topic, messages.length, Date.now() - started, isOk);
  return isOk;
}
