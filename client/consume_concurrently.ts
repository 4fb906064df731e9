/** Consumes the messages of all queues side by side; what fails goes back to the broker, to come again later. */

import { callListener } from "./call_listener.ts";
import type { ConsumeLoop } from "./consume_loop.ts";
import type { ReceivedMessage } from "./message.ts";
import type { ProcessQueue } from "./process_queue.ts";
import type { ConsumerParts } from "./consumer_parts.ts";
import { sendBack } from "./send_back.ts";

/** How long to wait before a message is tried again that could not be sent back. */
const AGAIN_MILLIS = 5_000;

/** Makes the loops of a consumer's queues, which share its `consumeThreadMax`. */
export function consumeConcurrently(parts: ConsumerParts): ConsumeLoop {
  const slots = new Slots(parts.settings.consumeThreadMax);
  return (processQueue) => {
    const under = new Set<Promise<void>>();
    let ended: () => void;
    const settle = () => {
      if (processQueue.isDropped && under.size === 0) ended();
    };
    processQueue.onDrop(settle);
    return {
      take(messages) {
        for (const batch of batches(messages, parts.settings.consumeMessageBatchMaxSize)) {
          const run = slots.run(() => consumeBatch(parts, processQueue, batch)).finally(() => {
            under.delete(run);
            settle();
          });
          under.add(run);
        }
      },
      ended: new Promise<void>((resolve) => ended = resolve),
    };
  };
}

/** Consumes messages until they are done with, here or at the broker. Never rejects. */
async function consumeBatch(
  parts: ConsumerParts,
  processQueue: ProcessQueue,
  batch: readonly ReceivedMessage[],
): Promise<void> {
  const { offsets } = parts;
  let left = batch;
  while (!processQueue.isDropped) {
    const isOk = await callListener(parts, processQueue.queue.topic, left);
    left = isOk ? [] : await giveBack(parts, left);
    processQueue.remove(batch.filter((message) => !left.includes(message)));
    if (!processQueue.isDropped) {
      offsets.update(processQueue.queue, processQueue.commitOffset);
    }
    if (left.length === 0) return;
    await processQueue.dropped(AGAIN_MILLIS);
  }
}

/** Gives messages back to the broker; returns those that it did not take. */
async function giveBack(
  { client, settings }: ConsumerParts,
  messages: readonly ReceivedMessage[],
): Promise<ReceivedMessage[]> {
  // Each client of a broadcast is alone with its messages: nobody would give them to it again.
  if (settings.messageModel === "BROADCASTING") return [];
  const left: ReceivedMessage[] = [];
  for (const message of messages) {
    try {
      await sendBack(client, settings, message);
    } catch (error) {
      client.reportError("cannot send a message back, so that it is tried again here", error);
      left.push(message);
    }
  }
  return left;
}

function* batches(messages: readonly ReceivedMessage[], size: number) {
  for (let start = 0; start < messages.length; start += size) {
    yield messages.slice(start, start + size);
  }
}

/** Lets so many run at a time; the others wait in line. */
class Slots {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async run(task: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#line.push(resolve));
    try {
      await task();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
