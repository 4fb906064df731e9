/** What goes over the WebSocket /api/live, in JSON, one document in each message. */

import { z } from "@hono/zod-openapi";
import { filterQuery } from "../message_filter.ts";
import { BODY_ENCODINGS } from "../message_schema.ts";
import { groupName, topicName } from "../schemas.ts";

const NAMES_MAX = 100;
const id = z.string().min(1).max(100);

const feeds = [
  z.object({ feed: z.literal("cluster") }),
  z.object({ feed: z.literal("topics"), topics: z.array(topicName).min(1).max(NAMES_MAX) }),
  z.object({ feed: z.literal("groups"), groups: z.array(groupName).min(1).max(NAMES_MAX) }),
  z.object({
    feed: z.literal("tail"),
    topic: topicName,
    ...filterQuery,
    bodyEncoding: z.enum(BODY_ENCODINGS).default("auto"),
    bodyLimit: z.number().int().min(0).max(65_536).default(1_024),
    /** So many messages each second are shown at most. */
    maxPerSecond: z.number().int().min(1).max(1_000).default(100),
  }),
] as const;

/** What may be watched. */
export const FeedSchema = z.discriminatedUnion("feed", feeds);
export type Feed = z.infer<typeof FeedSchema>;

/** From whoever watches: `id` is any name, which comes back with all that belongs to it. */
export const LiveRequestSchema = z.union([
  z.object({ type: z.literal("subscribe"), id }).and(FeedSchema),
  z.object({ type: z.literal("unsubscribe"), id }),
]);
export type LiveRequest = z.infer<typeof LiveRequestSchema>;

/** To whoever watches. */
export type LiveAnswer =
  | { type: "subscribed"; id: string }
  /** A ClusterSample, a TopicSample, a GroupSample or a Message. */
  | { type: "data"; id: string; data: unknown }
  /** So much was left out since the last time, because it came too fast. */
  | { type: "dropped"; id: string; count: number }
  | { type: "problem"; id?: string; detail: string; code?: number };
