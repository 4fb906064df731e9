/** NOTIFICATION: is there something to pop, now or within a while. Nothing is popped by it. */

import { NOTIFICATION } from "../../../client/protocol/commands/pop.ts";
import type { TopicConfig } from "../../../client/protocol/topic_config.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import type { Config } from "../../config.ts";
import { PARKED, type RequestContext, type Route, route } from "../../dispatcher.ts";
import type { GroupTable } from "../group_table.ts";
import type { OffsetTable } from "../offset_table.ts";
import type { TopicTable } from "../topic_table.ts";
import type { Clock } from "./due_timer.ts";
import { checkedPopTopic } from "./pop_checks.ts";
import { peekOffsetOf } from "./pop_offsets.ts";
import type { PopPolling } from "./pop_polling.ts";
import type { PopTable } from "./pop_table.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "./retry_topic.ts";

export interface NotificationDeps {
  config: Config;
  store: Pick<MessageStore, "getMinOffsetInQueue" | "getMaxOffsetInQueue">;
  topics: Pick<TopicTable, "get">;
  groups: Pick<GroupTable, "find">;
  offsets: Pick<OffsetTable, "queryOffset">;
  table: PopTable;
  /** Of those who wait to be notified. */
  notifications: PopPolling;
  clock: Clock;
}

type Context = RequestContext<
  typeof NOTIFICATION.request.fields,
  typeof NOTIFICATION.response.fields
>;

/** The handler of NOTIFICATION. */
export function notificationRoutes(deps: NotificationDeps): Route[] {
  return [
    route(NOTIFICATION, (context) => {
      const { header } = context;
      const topic = checkedPopTopic(deps, header, "peeking");
      const deadline = deps.clock.now() + header.pollTime;
      tryToNotify(deps, { context, topic, deadline }, header.pollTime <= 0);
      return PARKED;
    }),
  ];
}

interface Asked {
  context: Context;
  topic: TopicConfig;
  deadline: number;
}

function tryToNotify(deps: NotificationDeps, asked: Asked, lastTry: boolean): void {
  const { context, context: { header, connection, respond }, deadline } = asked;
  const hasMsg = hasMessages(deps, asked);
  const isParked = !hasMsg && !lastTry && deps.notifications.park(header, {
    connection,
    matches: undefined,
    deadline,
    retry: (lastTry) => tryToNotify(deps, asked, lastTry),
  });
  if (isParked) context.isLongPolling = true;
  else respond({ header: { hasMsg, pollingFull: !hasMsg && !lastTry } });
}

function hasMessages(deps: NotificationDeps, { context: { header }, topic }: Asked): boolean {
  const { topic: name, consumerGroup, queueId } = header;
  if (queueId >= 0 ? hasMessage(deps, header, name, queueId) : hasAny(deps, header, topic)) {
    return true;
  }
  const { topics } = deps;
  return hasAny(deps, header, topics.get(popRetryTopicV1(name, consumerGroup))) ||
    hasAny(deps, header, topics.get(popRetryTopicV2(name, consumerGroup)));
}

function hasAny(
  deps: NotificationDeps,
  header: Context["header"],
  topic: TopicConfig | undefined,
): boolean {
  for (let queueId = 0; queueId < (topic?.readQueueNums ?? 0); queueId++) {
    if (hasMessage(deps, header, topic!.topicName, queueId)) return true;
  }
  return false;
}

function hasMessage(
  deps: NotificationDeps,
  { consumerGroup, order, attemptId }: Context["header"],
  topic: string,
  queueId: number,
): boolean {
  const popped = order ? deps.table.find(topic, consumerGroup, queueId)?.order : undefined;
  if (popped?.blocks(deps.clock.now(), attemptId)) return false;
  const offset = peekOffsetOf(deps, topic, consumerGroup, queueId);
  return deps.store.getMaxOffsetInQueue(topic, queueId) > offset;
}
