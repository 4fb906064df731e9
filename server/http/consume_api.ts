/** Consuming over plain HTTP, for programs that have no client; and following a topic as server-sent events. */

import { createRoute, z } from "@hono/zod-openapi";
import { brokersOf } from "../../client/admin/messages.ts";
import { ackMessage, changeInvisible, popMessages } from "../../client/admin/pop.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { filterOf, filterQuery } from "./message_filter.ts";
import { BODY_ENCODINGS, bodyQuery, messageJson, MessageSchema } from "./message_schema.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { groupParam, topicName, topicParam, wholeNumber } from "./schemas.ts";
import { EventStreams } from "./event_stream.ts";

const tags = ["Consume"];
const MESSAGES_MAX = 32;
const HANDLES_MAX = 1_000;
const TIME_MAX = 8_640_000_000_000_000;
const ONE_BODY_LIMIT = 4_194_304;

const handle = z.string().min(1).max(4_000);

const ConsumeSchema = z.object({
  topic: topicName,
  maxMessages: z.number().int().min(1).max(MESSAGES_MAX).default(1),
  waitMillis: z.number().int().min(0).max(30_000).default(0).openapi({
    description: "How long to wait for a message when there is none",
  }),
  invisibleMillis: z.number().int().min(10_000).max(43_200_000).default(60_000).openapi({
    description: "Messages that are not acknowledged after so long are given out again",
  }),
  from: z.enum(["earliest", "latest"]).default("earliest").openapi({
    description: "Where a group begins that has never consumed the topic",
  }),
  tag: filterQuery.tag,
  sql: filterQuery.sql,
  bodyEncoding: z.enum(BODY_ENCODINGS).default("auto"),
}).openapi("Consume");

const consume = createRoute({
  method: "post",
  path: "/consume/{group}",
  summary: "Get messages for a group; each has a handle with which it is acknowledged",
  tags,
  request: { params: groupParam, body: jsonBody(ConsumeSchema) },
  responses: {
    200: jsonContent(
      z.object({ messages: z.array(MessageSchema.extend({ handle })) }),
      "Messages; none when there are none",
    ),
    ...PROBLEMS,
  },
});

const HandlesSchema = z.object({ handles: z.array(handle).min(1).max(HANDLES_MAX) });
const OutcomeSchema = z.object({
  outcomes: z.array(z.object({
    handle,
    isAcknowledged: z.boolean().openapi({
      description: "false: it came too late, the message is given out again",
    }),
  })),
});

const acknowledge = createRoute({
  method: "post",
  path: "/consume/{group}/ack",
  summary: "Acknowledge messages: they are consumed",
  tags,
  request: { params: groupParam, body: jsonBody(HandlesSchema) },
  responses: { 200: jsonContent(OutcomeSchema, "By handle"), ...PROBLEMS },
});

const giveBack = createRoute({
  method: "post",
  path: "/consume/{group}/invisible",
  summary: "Have a message come again after so long, or keep it for longer",
  tags,
  request: {
    params: groupParam,
    body: jsonBody(z.object({
      handle,
      invisibleMillis: z.number().int().min(0).max(43_200_000),
    })),
  },
  responses: {
    200: jsonContent(z.object({ handle }), "The new handle; the old one is of no use any more"),
    ...PROBLEMS,
  },
});

const stream = createRoute({
  method: "get",
  path: "/topics/{topic}/stream",
  summary: "Follow a topic as server-sent events, one for each message",
  description:
    "A client that comes back with Last-Event-ID goes on behind that event. Nothing is left out: " +
    "a slow reader is behind.",
  tags,
  request: {
    params: topicParam,
    query: z.object({
      from: z.union([z.enum(["latest", "earliest"]), wholeNumber({ max: TIME_MAX })])
        .default("latest").openapi({ description: "Or a store time in milliseconds" }),
      ...filterQuery,
      ...bodyQuery,
    }),
  },
  responses: {
    200: {
      description: "Events whose data is a Message in JSON",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...PROBLEMS,
  },
});

export function consumeApi({ admin, log }: ApiParts) {
  const streams = new EventStreams(admin, log);
  return apiArea()
    .openapi(consume, async (c) => {
      const { group } = c.req.valid("param");
      const { topic, tag, sql, bodyEncoding, from, ...request } = c.req.valid("json");
      if (tag !== undefined && sql !== undefined) {
        throw problem(400, "tag and sql: say one of them");
      }
      // What cannot be a filter is refused here, with the place of the mistake.
      const { tags } = filterOf({ tag, sql });
      const expression = sql !== undefined
        ? { type: "SQL92" as const, text: sql }
        : { type: "TAG" as const, text: tags ?? "*" };
      const popped = await popMessages(admin, await brokersOf(admin, topic), {
        consumerGroup: group,
        topic,
        maxMsgNums: request.maxMessages,
        waitMillis: request.waitMillis,
        invisibleMillis: request.invisibleMillis,
        from,
        expression,
        bodyLimit: ONE_BODY_LIMIT,
      }, () => Date.now());
      return c.json({
        messages: popped.map(({ message, handle }) => ({
          ...messageJson(message, bodyEncoding),
          handle,
        })),
      }, 200);
    })
    .openapi(acknowledge, async (c) => {
      const { group } = c.req.valid("param");
      const outcomes = [];
      for (const handle of c.req.valid("json").handles) {
        outcomes.push({ handle, isAcknowledged: await ackMessage(admin, group, handle) });
      }
      return c.json({ outcomes }, 200);
    })
    .openapi(giveBack, async (c) => {
      const { group } = c.req.valid("param");
      const { handle, invisibleMillis } = c.req.valid("json");
      const changed = await changeInvisible(admin, group, handle, invisibleMillis);
      if (changed === undefined) {
        throw problem(409, "It came too late; the message is given out again");
      }
      return c.json({ handle: changed }, 200);
    })
    .openapi(stream, async (c) => {
      const { topic } = c.req.valid("param");
      const { from, bodyEncoding, bodyLimit = ONE_BODY_LIMIT, ...filter } = c.req.valid("query");
      return await streams.open({
        topic,
        from,
        lastEventId: c.req.header("last-event-id"),
        filter: filterOf(filter),
        bodyEncoding,
        bodyLimit,
      }) as never;
    });
}
