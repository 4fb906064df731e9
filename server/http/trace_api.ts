/** What became of a message: who consumed it, and its life in the order of time. */

import { createRoute, z } from "@hono/zod-openapi";
import { findMessage } from "../../client/admin/messages.ts";
import { BROKER_EVENTS, messageTimeline } from "../../client/admin/timeline.ts";
import { TRACE_TOPIC } from "../../client/admin/trace_query.ts";
import { TRACK_TYPES, trackMessage } from "../../client/admin/track.ts";
import { RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import { TRACE_KINDS } from "../../client/protocol/trace_record.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { PROBLEMS } from "./problem.ts";
import { nameList, topicName } from "./schemas.ts";

const tags = ["Messages"];
const params = z.object({ id: z.string().min(1).max(255) });

const TrackSchema = z.object({
  group: z.string(),
  trackType: z.enum(TRACK_TYPES),
  consumerOffset: z.number().int().optional(),
  isPassed: z.boolean().optional().openapi({ description: "The group's offset is behind it" }),
  exceptionDesc: z.string().optional(),
}).openapi("MessageTrack");

const getTrack = createRoute({
  method: "get",
  path: "/messages/{id}/track",
  summary: "Which groups have consumed a message",
  tags,
  request: { params, query: z.object({ topic: topicName.optional() }) },
  responses: {
    200: jsonContent(z.object({ tracks: z.array(TrackSchema) }), "By group"),
    ...PROBLEMS,
  },
});

const TraceRecordSchema = z.object({
  kind: z.enum(TRACE_KINDS),
  msgId: z.string(),
  timestamp: z.number().optional(),
  group: z.string().optional(),
  regionId: z.string().optional(),
  topic: z.string().optional(),
  tags: z.string().optional(),
  keys: z.string().optional(),
  storeHost: z.string().optional(),
  clientHost: z.string(),
  offsetMsgId: z.string().optional(),
  bodyLength: z.number().optional(),
  costTime: z.number().optional(),
  requestId: z.string().optional(),
  retryTimes: z.number().optional(),
  contextCode: z.number().optional(),
  success: z.boolean().optional(),
  transactionId: z.string().optional(),
  transactionState: z.string().optional(),
  isFromTransactionCheck: z.boolean().optional(),
}).openapi("TraceRecord");

const EventSchema = z.discriminatedUnion("source", [
  z.object({
    source: z.literal("broker"),
    event: z.enum(BROKER_EVENTS),
    timestamp: z.number().int(),
    topic: z.string(),
    brokerName: z.string(),
    queueId: z.number().int(),
    queueOffset: z.number().int(),
    offsetMsgId: z.string(),
    reconsumeTimes: z.number().int(),
    group: z.string().optional(),
    deliverAt: z.number().optional(),
  }),
  z.object({
    source: z.literal("client"),
    event: z.enum(TRACE_KINDS),
    timestamp: z.number().optional(),
    record: TraceRecordSchema,
  }),
]).openapi("TimelineEvent");

const getTrace = createRoute({
  method: "get",
  path: "/messages/{id}/trace",
  summary: "The life of a message: what brokers have stored of it and what clients say of it",
  tags,
  request: {
    params,
    query: z.object({
      topic: topicName.optional(),
      traceTopics: nameList.optional().openapi({
        description: `Names with commas between them; ${TRACE_TOPIC} without it`,
      }),
    }),
  },
  responses: {
    200: jsonContent(
      z.object({
        msgId: z.string(),
        events: z.array(EventSchema).openapi({ description: "In the order of time" }),
        missingTraceTopics: z.array(z.string()).openapi({
          description:
            "Not there, so that no client can have written a record; see traceTopicEnable",
        }),
      }),
      "The events",
    ),
    ...PROBLEMS,
  },
});

export function traceApi({ admin }: ApiParts) {
  return apiArea()
    .openapi(getTrack, async (c) => {
      const { topic } = c.req.valid("query");
      const message = await findMessage(admin, c.req.valid("param").id, topic, 0);
      return c.json({ tracks: await trackMessage(admin, message) }, 200);
    })
    .openapi(getTrace, async (c) => {
      const { id } = c.req.valid("param");
      const { topic, traceTopics = [TRACE_TOPIC] } = c.req.valid("query");
      let notFound: unknown;
      const message = await findMessage(admin, id, topic, 0).catch((error) => {
        if (!(error instanceof RemotingError)) throw error;
        if (error.code !== ResponseCode.QUERY_NOT_FOUND) throw error;
        notFound = error;
        return undefined;
      });
      const msgId = message?.msgId ?? id;
      const timeline = await messageTimeline(admin, { msgId, topic, message, traceTopics });
      // A message that waits, or has been deleted, may have left traces all the same.
      if (timeline.events.length === 0) throw notFound;
      return c.json({
        msgId,
        events: [...timeline.events],
        missingTraceTopics: [...timeline.missingTraceTopics],
      }, 200);
    });
}
