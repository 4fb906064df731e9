/** Which groups have consumed a message, by how far they are in its queue. */

import { GET_CONSUME_STATS } from "../protocol/commands/admin_consumer.ts";
import { QUERY_TOPIC_CONSUME_BY_WHO } from "../protocol/commands/admin_topic.ts";
import { RemotingError, ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { groupConnections, type Subscription } from "./clients.ts";
import { mapLimited } from "./fan_out.ts";
import type { Message } from "./message.ts";
import { parseConsumeStats } from "./stats.ts";

/** As in TrackType.java. */
export const TRACK_TYPES = [
  "CONSUMED",
  "CONSUMED_BUT_FILTERED",
  "PULL",
  "NOT_CONSUME_YET",
  "NOT_ONLINE",
  "CONSUME_BROADCASTING",
  "UNKNOWN",
] as const;

export interface MessageTrack {
  readonly group: string;
  readonly trackType: (typeof TRACK_TYPES)[number];
  /** How far the group is in the message's queue; also told of groups that are not there now. */
  readonly consumerOffset?: number;
  /** Whether it has passed the message. */
  readonly isPassed?: boolean;
  /** Why nothing is known. */
  readonly exceptionDesc?: string;
}

const PARALLEL = 16;

/** What the groups of a message's topic have made of it. */
export async function trackMessage(
  admin: AdminClient,
  message: Pick<Message, "topic" | "brokerName" | "queueId" | "queueOffset" | "tags">,
): Promise<MessageTrack[]> {
  const { topic, brokerName } = message;
  const broker = await admin.master(brokerName);
  const { body } = await admin.invoke(broker.brokerAddr, QUERY_TOPIC_CONSUME_BY_WHO, { topic });
  const { groupList = [] } = (parseJson(body) ?? {}) as { groupList?: string[] };
  return await mapLimited(groupList.toSorted(), PARALLEL, async (group) => {
    try {
      const [connections, consumerOffset] = await Promise.all([
        groupConnections(admin, group, [broker]),
        consumerOffsetOf(admin, broker.brokerAddr, group, message),
      ]);
      const isPassed = consumerOffset !== undefined && consumerOffset > message.queueOffset;
      return {
        group,
        trackType: trackType(connections, message, isPassed),
        ...(consumerOffset === undefined ? {} : { consumerOffset }),
        isPassed,
      };
    } catch (error) {
      if (!(error instanceof RemotingError)) throw error;
      return { group, trackType: "UNKNOWN", exceptionDesc: error.message };
    }
  });
}

interface Connections {
  clients: readonly unknown[];
  consumeType: string | undefined;
  messageModel: string | undefined;
  subscriptions: readonly Subscription[];
}

function trackType(
  { clients, consumeType, messageModel, subscriptions }: Connections,
  message: Pick<Message, "topic" | "tags">,
  isPassed: boolean,
): MessageTrack["trackType"] {
  if (clients.length === 0) return "NOT_ONLINE";
  if (consumeType === "CONSUME_ACTIVELY") return "PULL";
  if (messageModel === "BROADCASTING") return "CONSUME_BROADCASTING";
  if (!isPassed) return "NOT_CONSUME_YET";
  const subscription = subscriptions.find(({ topic }) => topic === message.topic);
  return subscription === undefined || wantsTag(subscription, message.tags)
    ? "CONSUMED"
    : "CONSUMED_BUT_FILTERED";
}

function wantsTag({ subString, expressionType }: Subscription, tag: string | undefined): boolean {
  if (expressionType !== "TAG" || subString === "*" || subString === "") return true;
  return tag !== undefined && subString.split("||").some((wanted) => wanted.trim() === tag);
}

async function consumerOffsetOf(
  admin: AdminClient,
  brokerAddr: string,
  consumerGroup: string,
  { topic, queueId }: Pick<Message, "topic" | "queueId">,
): Promise<number | undefined> {
  const accept = [ResponseCode.SYSTEM_ERROR];
  const header = { consumerGroup, topic };
  const { code, body } = await admin.invoke(brokerAddr, GET_CONSUME_STATS, header, { accept });
  if (code !== ResponseCode.SUCCESS) return undefined;
  const { queues } = parseConsumeStats(parseJson(body));
  return queues.find((queue) => queue.topic === topic && queue.queueId === queueId)?.consumerOffset;
}
