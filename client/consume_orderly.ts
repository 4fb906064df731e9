/** Consumes the messages of a queue one after the other; one that fails is tried again before the next. */

import { callListener } from "./call_listener.ts";
import type { ConsumeLoop } from "./consume_loop.ts";
import type { ReceivedMessage } from "./message.ts";
import type { ProcessQueue } from "./process_queue.ts";
import type { ConsumerParts } from "./consumer_parts.ts";
import { sendBack } from "./send_back.ts";

/** Makes the loops of a consumer's queues. */
export function consumeOrderly(parts: ConsumerParts): ConsumeLoop {
  return (processQueue) => {
    let wake: () => void = () => {};
    processQueue.onDrop(() => wake());
    const run = async () => {
      while (!processQueue.isDropped) {
        const messages = processQueue.first(parts.settings.consumeMessageBatchMaxSize);
        if (messages.length > 0) await consumeUntilDone(parts, processQueue, messages);
        else await new Promise<void>((resolve) => wake = resolve);
      }
    };
    return { take: () => wake(), ended: run() };
  };
}

async function consumeUntilDone(
  parts: ConsumerParts,
  processQueue: ProcessQueue,
  messages: readonly ReceivedMessage[],
): Promise<void> {
  const { settings, offsets } = parts;
  for (let failures = 0; !processQueue.isDropped;) {
    const tried = messages.map((message) => ({
      ...message,
      reconsumeTimes: message.reconsumeTimes + failures,
    }));
    const isOk = await callListener(parts, processQueue.queue.topic, tried);
    if (isOk || await areDead(parts, tried)) {
      processQueue.remove(messages);
      offsets.update(processQueue.queue, processQueue.commitOffset);
      return;
    }
    failures++;
    await processQueue.dropped(settings.suspendCurrentQueueTimeMillis);
  }
}

/** Sends messages that were tried too often to the dead letters; without a limit they are tried for ever. */
async function areDead(
  { client, settings }: ConsumerParts,
  messages: readonly ReceivedMessage[],
): Promise<boolean> {
  const { maxReconsumeTimes } = settings;
  if (maxReconsumeTimes === undefined) return false;
  if (messages.some(({ reconsumeTimes }) => reconsumeTimes < maxReconsumeTimes)) return false;
  try {
    for (const message of messages) await sendBack(client, settings, message);
    return true;
  } catch (error) {
    client.reportError("cannot send messages to the dead letters", error);
    return false;
  }
}
