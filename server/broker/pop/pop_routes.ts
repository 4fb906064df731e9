/** POP_MESSAGE: get messages, or wait for some; and how many wait. */

import { POLLING_INFO, POP_MESSAGE } from "../../../client/protocol/commands/pop.ts";
import { createSubscriptionData, SUB_ALL } from "../../../client/protocol/heartbeat.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import type { TopicConfig } from "../../../client/protocol/topic_config.ts";
import type { MessageFilter } from "../../../store/get_message.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { PARKED, type RequestContext, type Route, route } from "../../dispatcher.ts";
import type { SqlFilterCache } from "../filter/sql_filter.ts";
import type { GroupTable } from "../group_table.ts";
import type { Arrival } from "../long_polling.ts";
import { messageFilterOf } from "../message_filter.ts";
import type { TopicTable } from "../topic_table.ts";
import { PopAttempt, type PopAttemptDeps, type PopHeader, type PopSource } from "./pop_attempt.ts";
import { checkedPopTopic } from "./pop_checks.ts";
import type { PopPolling, PopWaiter } from "./pop_polling.ts";
import { CHECK_POINT_MESSAGES_MAX } from "./pop_queue.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "./retry_topic.ts";

export interface PopDeps extends PopAttemptDeps {
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find">;
  polling: PopPolling;
  filterCache: SqlFilterCache;
  store: PopAttemptDeps["store"] & Pick<MessageStore, "readTail">;
  /** A whole number from 0 to below its argument. */
  random: (below: number) => number;
}

type PopResponse = typeof POP_MESSAGE.response.fields;
type PopContext = RequestContext<typeof POP_MESSAGE.request.fields, PopResponse>;

/** One request, while it is served. */
interface Pop {
  context: PopContext;
  header: PopHeader;
  topic: TopicConfig;
  filter: MessageFilter | undefined;
  deadline: number;
}

/** The handlers of POP_MESSAGE and POLLING_INFO. */
export function popRoutes(deps: PopDeps): Route[] {
  return [
    route(POP_MESSAGE, (context) => {
      const { header } = context;
      if (header.maxMsgNums > CHECK_POINT_MESSAGES_MAX) {
        throw refuse(
          ResponseCode.INVALID_PARAMETER,
          `the broker[${deps.config.brokerName}] pop message's num is greater than ${CHECK_POINT_MESSAGES_MAX}`,
        );
      }
      const topic = checkedPopTopic(deps, header, "pop");
      tryPop(deps, {
        context,
        header: { ...header, maxMsgNums: Math.max(1, header.maxMsgNums) },
        topic,
        filter: filterOf(deps, header),
        deadline: deps.clock.now() + header.pollTime,
      }, header.pollTime <= 0);
      return PARKED;
    }),
    route(POLLING_INFO, ({ header }) => {
      checkedPopTopic(deps, header, "peeking");
      return { header: { pollingNum: deps.polling.size(header) } };
    }),
  ];
}

/** What the request says of the messages that it wants; Apache lets pops filter whatever enablePropertyFilter is. */
function filterOf(
  { filterCache }: PopDeps,
  { topic, exp, expType }: PopHeader,
): MessageFilter | undefined {
  if (!exp || exp === SUB_ALL) return undefined;
  try {
    return messageFilterOf(createSubscriptionData(topic, exp, expType, 0), filterCache);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw refuse(
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      "parse the consumer's subscription failed",
    );
  }
}

function tryPop(deps: PopDeps, pop: Pop, lastTry: boolean): void {
  const { context, header, filter } = pop;
  if (context.connection.closed) return deps.polling.wakeNext(header);
  // A peer that does not drain what it asked for gets no more of it now; it asks again once it has.
  if (context.connection.congested) {
    deps.polling.wakeNext(header);
    return answer(pop, new PopAttempt(deps, header, filter));
  }
  const attempt = new PopAttempt(deps, header, filter);
  const running = attempt.run(sourcesOf(deps, pop));
  if (running === undefined) return finish(deps, pop, attempt, lastTry);
  running.then(() => finish(deps, pop, attempt, lastTry)).catch((error) =>
    context.respond({ code: ResponseCode.SYSTEM_ERROR, remark: (error as Error).message })
  );
}

/**
 * The queues to look into, each topic's from a random one on. The group's retry topic comes first with the probability
 * popFromRetryProbability, else last.
 */
function sourcesOf(deps: PopDeps, { header, topic }: Pop): PopSource[] {
  const { config, topics, random } = deps;
  const chance = random(100);
  const sources: PopSource[] = [];
  const retryTopics = header.order ? [] : retryTopicsOf(deps, header, chance);
  const addRetries = () => {
    for (const name of retryTopics) addQueues(sources, topics.get(name), chance);
  };
  const retryFirst = chance < config.popFromRetryProbability;
  if (retryFirst) addRetries();
  if (header.queueId < 0) addQueues(sources, topic, chance);
  else sources.push({ topic: topic.topicName, queueId: header.queueId });
  if (!retryFirst) addRetries();
  return sources;
}

/** The first spelling's topic too, while it may still have messages. */
function retryTopicsOf({ config }: PopDeps, header: PopHeader, chance: number): string[] {
  const { topic, consumerGroup } = header;
  const first = popRetryTopicV1(topic, consumerGroup);
  if (!config.enableRetryTopicV2) return [first];
  const second = popRetryTopicV2(topic, consumerGroup);
  if (!config.retrieveMessageFromPopRetryTopicV1) return [second];
  return chance % 2 === 0 ? [first, second] : [second, first];
}

function addQueues(sources: PopSource[], topic: TopicConfig | undefined, chance: number): void {
  if (topic === undefined) return;
  const { topicName, readQueueNums } = topic;
  for (let index = 0; index < readQueueNums; index++) {
    sources.push({ topic: topicName, queueId: (chance + index) % readQueueNums });
  }
}

/** Answers with what was found, or waits for more. */
function finish(deps: PopDeps, pop: Pop, attempt: PopAttempt, lastTry: boolean): void {
  const { header, context, filter, deadline } = pop;
  if (attempt.failure !== undefined) {
    return context.respond({
      code: ResponseCode.SYSTEM_ERROR,
      remark: `pop message failed: ${attempt.failure.message}`,
    });
  }
  if (attempt.messageCount > 0) {
    if (attempt.restNum > 0) deps.polling.wakeNext(header);
    return answer(pop, attempt);
  }
  if (lastTry) return answer(pop, attempt);
  const waiter: PopWaiter = {
    connection: context.connection,
    matches: filter && ((arrival) => matchesArrival(deps, filter, arrival)),
    deadline,
    retry: (lastTry) => tryPop(deps, pop, lastTry),
  };
  if (!deps.polling.park(header, waiter)) {
    return answer(pop, attempt, ResponseCode.POLLING_FULL);
  }
  context.isLongPolling = true;
  // In a turn of its own, so that a group that wants little of a long queue does not hold up everybody.
  if (attempt.goesOn) deps.clock.after(0, () => deps.polling.wakeNext(header));
}

function matchesArrival(
  { store }: Pick<PopDeps, "store">,
  filter: MessageFilter,
  { tagsCode, physicalOffset, size }: Arrival,
): boolean {
  if (!filter.matchesTagsCode(tagsCode)) return false;
  if (filter.matchesRecord === undefined) return true;
  const record = store.readTail(physicalOffset, size);
  return record === undefined || filter.matchesRecord(record);
}

function answer(
  { context, header }: Pop,
  attempt: PopAttempt,
  codeWhenEmpty: number = ResponseCode.POLLING_TIMEOUT,
): void {
  const isFound = attempt.messageCount > 0;
  context.respond({
    code: isFound ? ResponseCode.SUCCESS : codeWhenEmpty,
    remark: isFound ? "FOUND" : "NO_MESSAGE_IN_QUEUE",
    header: {
      popTime: attempt.popTime,
      invisibleTime: header.invisibleTime,
      reviveQid: attempt.reviveQid,
      restNum: attempt.restNum,
      startOffsetInfo: attempt.startOffsetInfo,
      msgOffsetInfo: attempt.msgOffsetInfo,
      orderCountInfo: header.order ? attempt.orderCountInfo : undefined,
    },
    bodyParts: attempt.parts,
  });
}
