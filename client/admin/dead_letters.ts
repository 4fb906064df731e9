/** Dead letters: which groups have some, and sending them again. */

import { GET_TOPIC_STATS_INFO } from "../protocol/commands/admin_topic.ts";
import { MessageProperty, parseProperties } from "../protocol/message.ts";
import { DLQ_GROUP_TOPIC_PREFIX, RETRY_GROUP_TOPIC_PREFIX } from "../protocol/names.ts";
import { refuse, RemotingError, ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import { fanOut, mapLimited } from "./fan_out.ts";
import { numberOf, queueEntries } from "./message_queue.ts";
import type { FoundMessage } from "./messages.ts";
import { copyOf, type Published, type Publisher, type RawMessage } from "./publish.ts";
import { listTopics } from "./topics.ts";

/** The dead letters of a group. */
export interface DeadLetterQueue {
  readonly group: string;
  readonly topic: string;
  readonly messageCount: number;
  /** When the last one came; 0 when there is none. */
  readonly lastUpdateTimestamp: number;
}

const PARALLEL = 16;

/** The groups that have a topic for dead letters, by name. */
export async function deadLetterGroups(admin: AdminClient): Promise<string[]> {
  const { topics } = await listTopics(admin);
  return topics.flatMap(({ topic }) =>
    topic.startsWith(DLQ_GROUP_TOPIC_PREFIX) ? [topic.slice(DLQ_GROUP_TOPIC_PREFIX.length)] : []
  );
}

/** How many dead letters groups have. */
export async function deadLetterQueues(
  admin: AdminClient,
  groups: readonly string[],
): Promise<DeadLetterQueue[]> {
  return await mapLimited(groups, PARALLEL, async (group) => {
    const topic = DLQ_GROUP_TOPIC_PREFIX + group;
    const { answers } = await fanOut(await admin.mastersOf(topic), async ({ brokerAddr }) => {
      const { body } = await admin.invoke(brokerAddr, GET_TOPIC_STATS_INFO, { topic });
      const { offsetTable } = (parseJson(body) ?? {}) as Record<string, unknown>;
      return queueEntries(offsetTable).map(({ value }) => value);
    });
    const queues = answers.flatMap(({ value }) => value);
    return {
      group,
      topic,
      messageCount: queues.reduce(
        (sum, queue) => sum + numberOf(queue["maxOffset"]) - numberOf(queue["minOffset"]),
        0,
      ),
      lastUpdateTimestamp: queues.reduce(
        (last, queue) => Math.max(last, numberOf(queue["lastUpdateTimestamp"])),
        0,
      ),
    };
  });
}

/** To the group alone, through its retry topic, or to the topic that the message was sent to first, and all its groups. */
export type ResendTarget = "group" | "topic";

/** The topic that a dead letter was sent to first. */
export function originTopicOf(properties: Readonly<Record<string, string>>): string | undefined {
  return properties[MessageProperty.DLQ_ORIGIN_TOPIC] ?? properties[MessageProperty.RETRY_TOPIC];
}

/**
 * The topic to which dead letters of a group from one topic go again.
 * @throws {RemotingError} TOPIC_NOT_EXIST when it is not there.
 */
export async function resendTopicOf(
  admin: AdminClient,
  group: string,
  originTopic: string | undefined,
  to: ResendTarget,
): Promise<string> {
  if (originTopic === undefined && to === "topic") {
    throw refuse(ResponseCode.INVALID_PARAMETER, "The message does not say from which topic it is");
  }
  if (to === "topic") return originTopic!;
  const retry = RETRY_GROUP_TOPIC_PREFIX + group;
  // A group that pops has a retry topic for each of its topics, named in one of two ways.
  const ofPops = originTopic === undefined
    ? []
    : [`${retry}+${originTopic}`, `${retry}_${originTopic}`];
  for (const topic of ofPops) if (await isThere(admin, topic)) return topic;
  await admin.route(retry);
  return retry;
}

async function isThere(admin: AdminClient, topic: string): Promise<boolean> {
  try {
    await admin.route(topic);
    return true;
  } catch (error) {
    if (error instanceof RemotingError && error.code === ResponseCode.TOPIC_NOT_EXIST) return false;
    throw error;
  }
}

/** Sends a dead letter again; the letter itself stays where it is. */
export async function resendDeadLetter(
  publisher: Publisher,
  stored: FoundMessage,
  toTopic: string,
  now: number,
): Promise<Published> {
  const isRetry = toTopic.startsWith(RETRY_GROUP_TOPIC_PREFIX);
  const message = isRetry ? retryOf(stored, now) : copyOf(stored, publisher.nextKey(now), now);
  return await publisher.send(await publisher.nextQueue(toTopic), message);
}

/** As brokers put messages into retry topics: the same message, which says where it comes from. */
function retryOf(stored: FoundMessage, now: number): RawMessage {
  const properties = parseProperties(stored.properties);
  const copy = copyOf(stored, properties.get(MessageProperty.UNIQ_KEY) ?? stored.offsetMsgId, now);
  const kept = new Map(copy.properties);
  const topic = originTopicOf(Object.fromEntries(properties));
  if (topic !== undefined) kept.set(MessageProperty.RETRY_TOPIC, topic);
  const origin = properties.get(MessageProperty.ORIGIN_MESSAGE_ID);
  if (origin !== undefined) kept.set(MessageProperty.ORIGIN_MESSAGE_ID, origin);
  return { ...copy, properties: kept, bornTimestamp: stored.bornTimestamp };
}
