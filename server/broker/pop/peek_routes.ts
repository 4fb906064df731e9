/** PEEK_MESSAGE: looks at what would be popped next, and leaves it there. */

import { PEEK_MESSAGE } from "../../../client/protocol/commands/pop.ts";
import { ResponseCode } from "../../../client/protocol/response_code.ts";
import type { GetMessageResult } from "../../../store/get_message.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Config } from "../../config.ts";
import { type Route, route } from "../../dispatcher.ts";
import type { GroupTable } from "../group_table.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { TopicTable } from "../topic_table.ts";
import type { Clock } from "./due_timer.ts";
import { checkedPopTopic } from "./pop_checks.ts";
import { peekOffsetOf } from "./pop_offsets.ts";
import { CHECK_POINT_MESSAGES_MAX } from "./pop_queue.ts";
import type { PopTable } from "./pop_table.ts";
import { popRetryTopicOf } from "./retry_topic.ts";

export interface PeekDeps {
  config: Config;
  store: Pick<MessageStore, "getMessage" | "getMinOffsetInQueue" | "getMaxOffsetInQueue">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find">;
  offsets: Pick<OffsetTable, "queryOffset">;
  table: PopTable;
  clock: Clock;
  /** A whole number from 0 to below its argument. */
  random: (below: number) => number;
}

/** The handler of PEEK_MESSAGE. */
export function peekRoutes(deps: PeekDeps): Route[] {
  return [
    route(PEEK_MESSAGE, async ({ header }) => {
      const { config, topics } = deps;
      const topic = checkedPopTopic(deps, header, "peeking");
      const chance = deps.random(100);
      const queueIds = (queueNums: number) =>
        Array.from({ length: queueNums }, (_, index) => (chance + index) % queueNums);
      const peek = new Peek(
        deps,
        header.consumerGroup,
        Math.min(header.maxMsgNums, CHECK_POINT_MESSAGES_MAX),
      );
      const asked = header.queueId < 0 ? queueIds(topic.readQueueNums) : [header.queueId];
      for (const queueId of asked) await peek.lookInto(topic.topicName, queueId);
      const retryName = popRetryTopicOf(config, header.topic, header.consumerGroup);
      for (const queueId of queueIds(topics.get(retryName)?.readQueueNums ?? 0)) {
        await peek.lookInto(retryName, queueId);
      }
      const isFound = peek.parts.length > 0;
      return {
        code: isFound ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND,
        remark: isFound ? "FOUND" : "NO_MESSAGE_IN_QUEUE",
        header: { popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: peek.restNum },
        bodyParts: peek.parts,
      };
    }),
  ];
}

class Peek {
  /** The records, copied. */
  readonly parts: Uint8Array[] = [];
  restNum = 0;
  readonly #deps: PeekDeps;
  readonly #group: string;
  readonly #maxMsgNums: number;
  #count = 0;

  constructor(deps: PeekDeps, group: string, maxMsgNums: number) {
    this.#deps = deps;
    this.#group = group;
    this.#maxMsgNums = maxMsgNums;
  }

  async lookInto(topic: string, queueId: number): Promise<void> {
    const offset = peekOffsetOf(this.#deps, topic, this.#group, queueId);
    this.restNum += Math.max(0, this.#deps.store.getMaxOffsetInQueue(topic, queueId) - offset);
    if (this.#count >= this.#maxMsgNums) return;
    const found = this.#read(topic, queueId, offset);
    const next = this.#take(found instanceof Promise ? await found : found);
    if (next === undefined) return;
    const again = this.#read(topic, queueId, next);
    this.#take(again instanceof Promise ? await again : again);
  }

  /** Keeps what was found; gives the offset to look at when the group's has no message. */
  #take({ status, parts, messageCount, nextBeginOffset }: GetMessageResult): number | undefined {
    for (const part of parts) this.parts.push(part.slice());
    this.#count += messageCount;
    const isOff = status === "OFFSET_TOO_SMALL" || status === "OFFSET_OVERFLOW_BADLY";
    return isOff ? nextBeginOffset : undefined;
  }

  #read(
    topic: string,
    queueId: number,
    queueOffset: number,
  ): GetMessageResult | Promise<GetMessageResult> {
    const { store, config } = this.#deps;
    return store.getMessage(topic, queueId, {
      queueOffset,
      maxMsgNums: this.#maxMsgNums - this.#count,
      maxMsgBytes: config.maxTransferBytesOnMessageInMemory,
      filter: undefined,
    });
  }
}
