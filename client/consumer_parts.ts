/** What a push consumer is asked to do, and what its parts share. */

import type { ConsumeStats } from "./consume_stats.ts";
import type { ReceivedMessage } from "./message.ts";
import type { MqClient, MqClientOptions } from "./mq_client.ts";
import type { ConsumeFrom, OffsetStore } from "./offset_store.ts";
import type { MessageModel, SubscriptionData } from "./protocol/heartbeat.ts";

/** What a listener says of messages; nothing at all, and CONSUME_SUCCESS, mean that it is done with them. */
export type ConsumeResult = "CONSUME_SUCCESS" | "RECONSUME_LATER" | void;

/** Handles messages of one queue. What it throws counts as RECONSUME_LATER. */
export type MessageListener = (
  messages: readonly ReceivedMessage[],
) => ConsumeResult | Promise<ConsumeResult>;

export interface PushConsumerOptions extends MqClientOptions {
  /** The consumer group. */
  group: string;
  onMessages: MessageListener;
  messageModel?: MessageModel;
  /** Messages of a queue one after the other, each tried again until it is managed. */
  orderly?: boolean;
  /** Where a group begins that has no offset yet; CONSUME_FROM_LAST_OFFSET without it. */
  consumeFrom?: ConsumeFrom;
  /** How many calls of the listener may be under way; 20 without it. */
  consumeThreadMax?: number;
  /** How many messages a listener is handed at most; 1 without it. */
  consumeMessageBatchMaxSize?: number;
  /** How many messages are asked for at a time; 32 without it. */
  pullBatchSize?: number;
  /** How many messages of a queue may wait here; 1000 without it. */
  pullThresholdForQueue?: number;
  /** How often a message is consumed again before it is a dead letter; the group's own setting without it. */
  maxReconsumeTimes?: number;
  /** How long an orderly consumer waits before it tries a message again; 1 s without it. */
  suspendCurrentQueueTimeMillis?: number;
}

/** Options with what counts where nothing was said. */
export type ConsumeSettings =
  & Required<
    Omit<PushConsumerOptions, keyof MqClientOptions | "maxReconsumeTimes">
  >
  & { readonly maxReconsumeTimes: number | undefined };

/** What the parts of a push consumer share. */
export interface ConsumerParts {
  readonly client: MqClient;
  readonly settings: ConsumeSettings;
  readonly offsets: OffsetStore;
  readonly stats: ConsumeStats;
  readonly subscriptions: ReadonlyMap<string, SubscriptionData>;
  readonly startTimestamp: number;
}

/** The options with what counts where they say nothing. */
export function settingsOf(options: PushConsumerOptions): ConsumeSettings {
  return {
    group: options.group,
    onMessages: options.onMessages,
    messageModel: options.messageModel ?? "CLUSTERING",
    orderly: options.orderly ?? false,
    consumeFrom: options.consumeFrom ?? "CONSUME_FROM_LAST_OFFSET",
    consumeThreadMax: options.consumeThreadMax ?? 20,
    consumeMessageBatchMaxSize: options.consumeMessageBatchMaxSize ?? 1,
    pullBatchSize: options.pullBatchSize ?? 32,
    pullThresholdForQueue: options.pullThresholdForQueue ?? 1_000,
    maxReconsumeTimes: options.maxReconsumeTimes,
    suspendCurrentQueueTimeMillis: options.suspendCurrentQueueTimeMillis ?? 1_000,
  };
}
