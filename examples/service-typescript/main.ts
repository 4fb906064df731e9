/** Follows the events of orders and sends a mail for each that is shipped, through a topic of its own. */

import { Producer, PushConsumer } from "../../client/mod.ts";

const nameServers = Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876";

await using producer = new Producer({ nameServers, group: "mail-service" });
await using consumer = new PushConsumer({
  nameServers,
  group: "mails",
  consumeFrom: "CONSUME_FROM_FIRST_OFFSET",
  onMessages: async (messages) => {
    for (const { body } of messages) {
      const { id } = JSON.parse(new TextDecoder().decode(body)) as { id: string };
      await producer.send({ topic: "Mails", keys: id, body: `order ${id} is on its way` });
    }
  },
});
await consumer.subscribe("OrderEvents", "shipped").start();
await new Promise<void>((resolve) => {
  Deno.addSignalListener("SIGINT", resolve);
  Deno.addSignalListener("SIGTERM", resolve);
});
