import { assertEquals } from "@std/assert";
import type { ReceivedMessage } from "../../client/message.ts";
import { ProcessQueue } from "../../client/process_queue.ts";

const QUEUE = { topic: "T", brokerName: "a", queueId: 0 };

function message(queueOffset: number): ReceivedMessage {
  return { ...QUEUE, queueOffset } as ReceivedMessage;
}

Deno.test("ProcessQueue commits up to the first message that is not consumed", () => {
  const processQueue = new ProcessQueue(QUEUE, 5);
  assertEquals(processQueue.commitOffset, 5);
  const [a, b, c] = [message(5), message(7), message(8)];
  processQueue.add([a, b, c], 10);
  processQueue.remove([b]);
  assertEquals(processQueue.commitOffset, 5);
  processQueue.remove([a]);
  assertEquals(processQueue.commitOffset, 8);
  processQueue.remove([c]);
  assertEquals([processQueue.commitOffset, processQueue.nextOffset], [10, 10]);
});

Deno.test("ProcessQueue lets pulls wait for room, and go when it is dropped", async () => {
  const processQueue = new ProcessQueue(QUEUE, 0);
  const messages = [message(0), message(1)];
  processQueue.add(messages, 2);
  const seen: string[] = [];
  const room = processQueue.room(2).then(() => seen.push("room"));
  await Promise.resolve();
  assertEquals(seen, []);
  processQueue.remove([messages[0]!]);
  await room;
  processQueue.add([message(2)], 3);
  const dropped = processQueue.room(2).then(() => seen.push("dropped"));
  processQueue.drop();
  await dropped;
  assertEquals(seen, ["room", "dropped"]);
});
