/** Request and reply: a message that a consumer answers, and the answer's way back to who asked. */

import { SystemTopic } from "./protocol/names.ts";
import {
  bodyOf,
  type Message,
  propertiesOf,
  type ReceivedMessage,
  receiveMessage,
} from "./message.ts";
import type { MqClient } from "./mq_client.ts";
import { PUSH_REPLY_MESSAGE_TO_CLIENT, SEND_REPLY_MESSAGE_V2 } from "./protocol/commands/send.ts";
import type { RemotingCommand } from "./protocol/frame.ts";
import { decodeHeader } from "./protocol/header_schema.ts";
import { MessageProperty } from "./protocol/message.ts";
import { DEFAULT_TOPIC_QUEUE_NUMS } from "./route_cache.ts";

/** No consumer answered in time. */
export class RequestTimeoutError extends Error {
  override readonly name = "RequestTimeoutError";
}

/** Names of MessageConst.java that only clients read. */
const CORRELATION_ID = "CORRELATION_ID";
const TTL = "TTL";
const MSG_TYPE = "MSG_TYPE";
const REPLY = "reply";

export class Requests implements Disposable {
  readonly #client: MqClient;
  readonly #waiting = new Map<string, (answer: ReceivedMessage) => void>();
  readonly #handling: Disposable;

  constructor(client: MqClient) {
    this.#client = client;
    this.#handling = client.handle(PUSH_REPLY_MESSAGE_TO_CLIENT, (request) => this.#take(request));
  }

  /** Sends with `send` and waits for the answer. @throws {RequestTimeoutError} */
  async ask(
    message: Message,
    timeoutMillis: number,
    send: (request: Message) => Promise<unknown>,
  ): Promise<ReceivedMessage> {
    const correlationId = crypto.randomUUID();
    const answer = Promise.withResolvers<ReceivedMessage>();
    const timer = setTimeout(() => {
      const text = `Nobody answered the request to ${message.topic} within ${timeoutMillis} ms`;
      answer.reject(new RequestTimeoutError(text));
    }, timeoutMillis);
    this.#waiting.set(correlationId, answer.resolve);
    const properties = {
      ...message.properties,
      [CORRELATION_ID]: correlationId,
      [MessageProperty.REPLY_TO_CLIENT]: this.#client.clientId,
      [TTL]: String(timeoutMillis),
    };
    // The time may be over while the message is still being sent.
    answer.promise.catch(() => {});
    try {
      await send({ ...message, properties });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(correlationId);
    }
  }

  #take(request: RemotingCommand): undefined {
    const header = decodeHeader(PUSH_REPLY_MESSAGE_TO_CLIENT.request, request.extFields);
    // An answer comes straight from the broker: it has no place in a log.
    const place = { offsetMsgId: "", queueOffset: -1, physicalOffset: -1 };
    const answer = receiveMessage({ ...header, ...place, body: request.body }, "");
    this.#waiting.get(answer.properties[CORRELATION_ID] ?? "")?.(answer);
  }

  [Symbol.dispose](): void {
    this.#handling[Symbol.dispose]();
  }
}

/**
 * Answers a message that was sent as a request.
 * @throws {TypeError} when it was not.
 */
export async function sendReply(
  client: MqClient,
  request: ReceivedMessage,
  body: Uint8Array | string,
): Promise<void> {
  const { [MessageProperty.CLUSTER]: cluster, [CORRELATION_ID]: correlationId } =
    request.properties;
  if (cluster === undefined || correlationId === undefined) {
    throw new TypeError("The message is no request, so that it cannot be answered");
  }
  const properties = {
    [MSG_TYPE]: REPLY,
    [CORRELATION_ID]: correlationId,
    [MessageProperty.REPLY_TO_CLIENT]: request.properties[MessageProperty.REPLY_TO_CLIENT] ?? "",
    [TTL]: request.properties[TTL] ?? "",
  };
  const topic = `${cluster}_REPLY_TOPIC`;
  const reply: Message = { topic, body, properties };
  await client.invoke(request.brokerName, SEND_REPLY_MESSAGE_V2, {
    producerGroup: "DEFAULT_PRODUCER",
    topic,
    defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
    defaultTopicQueueNums: DEFAULT_TOPIC_QUEUE_NUMS,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    flag: 0,
    properties: propertiesOf(reply, client.createUniqueKey()),
  }, { body: bodyOf(reply) });
}
