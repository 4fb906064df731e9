/** Finding messages: by id, by key, by time and place, and by what is in them. */

import { createRoute, z } from "@hono/zod-openapi";
import { findMessage } from "../../client/admin/messages.ts";
import type { Message } from "../../client/admin/message.ts";
import type { SearchQuery } from "../../client/admin/search_types.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { keyPage } from "./key_page.ts";
import { filterOf, filterQuery } from "./message_filter.ts";
import { bodyQuery, messageJson, MessageSchema } from "./message_schema.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { serverName, topicName, wholeNumber } from "./schemas.ts";
import { parseCursor, Searches } from "./search_run.ts";
import { NDJSON, streamSearch } from "./search_stream.ts";

const tags = ["Messages"];
/** Lists show the beginning of bodies, one message more of its own. */
const LIST_BODY_LIMIT = 1_024;
const ONE_BODY_LIMIT = 65_536;
const JSON_LIMIT = 32;
const JSON_LIMIT_MAX = 1_000;
const JSON_MILLIS = 5_000;
/** The times that a JavaScript date has. */
const TIME_MAX = 8_640_000_000_000_000;

const pageFields = {
  order: z.enum(["asc", "desc"]).optional().openapi({ description: "By the time of storing" }),
  limit: wholeNumber({ min: 1 }).optional().openapi({
    description: "32 without it and at most 1000; a stream has no limit",
  }),
  cursor: z.string().min(1).max(500_000).optional().openapi({
    description: "Of the answer before, to go on behind it, with the same parameters",
  }),
  timeoutMillis: wholeNumber({ min: 1, max: 600_000 }).optional().openapi({
    description: "Answer with what was found after so long: 5000 without it; a stream takes its time",
  }),
  ...bodyQuery,
};

const searchQuery = z.object({
  topic: topicName,
  key: z.string().min(1).max(1_000).optional().openapi({
    description: "One of the keys, or the unique key; found in the index, without a search",
  }),
  begin: wholeNumber({ max: TIME_MAX }).optional().openapi({
    description: "Stored at this time or later, in milliseconds since the epoch",
  }),
  end: wholeNumber({ max: TIME_MAX }).optional().openapi({
    description: "Stored at this time or earlier",
  }),
  queue: wholeNumber({ max: 65_535 }).optional(),
  brokerName: serverName.optional(),
  ...filterQuery,
  ...pageFields,
});

const pageSchema = z.object({
  messages: z.array(MessageSchema),
  scanned: z.number().int().openapi({ description: "Messages that were looked at" }),
  isComplete: z.boolean().openapi({ description: "Nothing more is to be found" }),
  cursor: z.string().optional().openapi({ description: "With it the next request goes on" }),
  horizon: z.number().int().optional().openapi({
    description: "When the messages were stored, about, at which the search is",
  }),
}).openapi("MessagePage");

const ndjson = {
  schema: z.string().openapi({
    description: 'Lines of JSON: {"type":"message","message":…}, {"type":"progress","scanned":…} ' +
      'and at the end {"type":"end","scanned":…,"isComplete":…,"cursor":…} or {"type":"problem",…}',
  }),
};

const searched = {
  200: {
    description: "Messages; as a stream of lines to whoever accepts " + NDJSON,
    content: { "application/json": { schema: pageSchema }, [NDJSON]: ndjson },
  },
  ...PROBLEMS,
};

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

type PageQuery = z.infer<z.ZodObject<typeof pageFields>> & z.infer<z.ZodObject<typeof filterQuery>>;

export function messagesApi({ admin, log }: ApiParts) {
  const searches = new Searches();

  const search = async (
    request: Request,
    place: Pick<SearchQuery, "topic" | "queueId" | "brokerName" | "begin" | "end"> & {
      beginOffset?: number;
      endOffset?: number;
    },
    query: PageQuery,
    absentOrder: "asc" | "desc",
  ) => {
    const cursor = query.cursor === undefined ? undefined : parseCursor(query.cursor);
    const isStream = request.headers.get("accept")?.includes(NDJSON) ?? false;
    const limit = query.limit ?? (isStream ? Infinity : JSON_LIMIT);
    if (!isStream && limit > JSON_LIMIT_MAX) {
      throw problem(400, `limit: at most ${JSON_LIMIT_MAX}, or ask for ${NDJSON}, which streams`);
    }
    const run = await searches.open(admin, {
      ...place,
      order: cursor?.order ?? query.order ?? absentOrder,
      filter: filterOf(query),
      bodyLimit: query.bodyLimit ?? LIST_BODY_LIMIT,
      ...(cursor === undefined ? {} : { cursor }),
    });
    const { bodyEncoding } = query;
    if (isStream) {
      const timeoutMillis = query.timeoutMillis ?? Infinity;
      return streamSearch({ run, bodyEncoding, limit, timeoutMillis, log });
    }
    using _ = run;
    const deadline = performance.now() + (query.timeoutMillis ?? JSON_MILLIS);
    const messages: Message[] = [];
    while (
      messages.length < limit && !run.isComplete && performance.now() < deadline &&
      !request.signal.aborted
    ) {
      const message = await run.next();
      if (message !== undefined) messages.push(message);
    }
    return {
      messages: messages.map((message) => messageJson(message, bodyEncoding)),
      ...run.state,
    };
  };

  return apiArea()
    .openapi(getMessages, async (c) => {
      const query = c.req.valid("query");
      const { topic, key, begin, end, queue, brokerName } = query;
      if (begin !== undefined && end !== undefined && begin > end) {
        throw problem(400, "begin is after end");
      }
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
