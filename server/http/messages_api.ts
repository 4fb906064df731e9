/** Finding messages: by id, by key, by time and place, and by what is in them. */

import { createRoute, z } from "@hono/zod-openapi";
import { findMessage } from "../../client/admin/messages.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { keyPage } from "./key_page.ts";
import { filterQuery } from "./message_filter.ts";
import { createSearch, pageFields, searched, timeFields } from "./message_search.ts";
import { bodyQuery, messageJson, MessageSchema } from "./message_schema.ts";
import { PROBLEMS } from "./problem.ts";
import { serverName, topicName, wholeNumber } from "./schemas.ts";

const tags = ["Messages"];
const ONE_BODY_LIMIT = 65_536;

const searchQuery = z.object({
  topic: topicName,
  key: z.string().min(1).max(1_000).optional().openapi({
    description: "One of the keys, or the unique key; found in the index, without a search",
  }),
  ...timeFields,
  queue: wholeNumber({ max: 65_535 }).optional(),
  brokerName: serverName.optional(),
  ...filterQuery,
  ...pageFields,
});

const getMessages = createRoute({
  method: "get",
  path: "/messages",
  summary: "Messages of a topic: by key, or by time, queue and content, newest first",
  tags,
  request: { query: searchQuery },
  responses: searched,
});

const getQueueMessages = createRoute({
  method: "get",
  path: "/topics/{topic}/queues/{queue}/messages",
  summary: "Messages of one queue from an offset on (order asc) or back from it (desc)",
  tags,
  request: {
    params: z.object({ topic: topicName, queue: wholeNumber({ max: 65_535 }) }),
    query: z.object({
      offset: wholeNumber().optional().openapi({ description: "The queueOffset to begin with" }),
      brokerName: serverName.optional().openapi({ description: "Where several brokers have one" }),
      ...filterQuery,
      ...pageFields,
    }),
  },
  responses: searched,
});

const getMessage = createRoute({
  method: "get",
  path: "/messages/{id}",
  summary: "One message, by its unique key (msgId), which needs the topic, or its offsetMsgId",
  tags,
  request: {
    params: z.object({ id: z.string().min(1).max(255) }),
    query: z.object({ topic: topicName.optional(), ...bodyQuery }),
  },
  responses: { 200: jsonContent(MessageSchema, "The message"), ...PROBLEMS },
});

export function messagesApi(parts: ApiParts) {
  const { admin } = parts;
  const search = createSearch(parts);
  return apiArea()
    .openapi(getMessages, async (c) => {
      const query = c.req.valid("query");
      const { topic, key, begin, end, queue, brokerName } = query;
      if (key !== undefined) return c.json(await keyPage(admin, { ...query, key }), 200);
      const place = {
        topic,
        ...(begin === undefined ? {} : { begin }),
        ...(end === undefined ? {} : { end }),
        ...(queue === undefined ? {} : { queueId: queue }),
        ...(brokerName === undefined ? {} : { brokerName }),
      };
      const result = await search(c.req.raw, place, query, "desc");
      return result instanceof Response ? result as never : c.json(result, 200);
    })
    .openapi(getQueueMessages, async (c) => {
      const { topic, queue } = c.req.valid("param");
      const query = c.req.valid("query");
      const { offset, brokerName, order = "asc" } = query;
      const place = {
        topic,
        queueId: queue,
        ...(brokerName === undefined ? {} : { brokerName }),
        ...(offset === undefined
          ? {}
          : order === "asc"
          ? { beginOffset: offset }
          : { endOffset: offset + 1 }),
      };
      const result = await search(c.req.raw, place, query, "asc");
      return result instanceof Response ? result as never : c.json(result, 200);
    })
    .openapi(getMessage, async (c) => {
      const { topic, bodyEncoding, bodyLimit = ONE_BODY_LIMIT } = c.req.valid("query");
      const message = await findMessage(admin, c.req.valid("param").id, topic, bodyLimit);
      return c.json(messageJson(message, bodyEncoding), 200);
    });
}
