/**
 * The client library: producers and consumers for RocketMQ, Comet's or Apache's, over its remoting protocol.
 *
 * ```ts
 * await using producer = new Producer({ nameServers: "127.0.0.1:9876" });
 * await producer.send({ topic: "Orders", tags: "new", keys: "order-1", body: "hello" });
 *
 * const consumer = new PushConsumer({
 *   nameServers: "127.0.0.1:9876",
 *   group: "billing",
 *   onMessages: ([message]) => console.log(message.keys, new TextDecoder().decode(message.body)),
 * });
 * await consumer.subscribe("Orders", "new || paid").start();
 * ```
 */

export { UnreachableError } from "./admin/admin_client.ts";
export type { ConsumeResult, MessageListener, PushConsumerOptions } from "./consumer_parts.ts";
export type { Message, ReceivedMessage } from "./message.ts";
export type { MessageQueue } from "./protocol/message_queue.ts";
export { MqClient, type MqClientOptions } from "./mq_client.ts";
export type { ConsumeFrom } from "./offset_store.ts";
export {
  Producer,
  type ProducerOptions,
  type QueueSelector,
  type SendOptions,
} from "./producer.ts";
export type { SendResult, SendStatus, TransactionOutcome } from "./send_result.ts";
export { RemotingError, ResponseCode } from "./protocol/response_code.ts";
export type { PullResult } from "./pull.ts";
export { PullConsumer, type PullConsumerOptions, type PullOptions } from "./pull_consumer.ts";
export { PushConsumer } from "./push_consumer.ts";
export { RequestTimeoutError } from "./requests.ts";
