/** Searching messages for a request: its parameters, its answer, as JSON or as a stream. */

import { z } from "@hono/zod-openapi";
import type { Message } from "../../client/admin/message.ts";
import type { SearchQuery } from "../../client/admin/search_types.ts";
import type { ApiParts } from "./api_route.ts";
import { filterOf, type filterQuery } from "./message_filter.ts";
import { bodyQuery, messageJson, MessageSchema } from "./message_schema.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { wholeNumber } from "./schemas.ts";
import { parseCursor, Searches } from "./search_run.ts";
import { NDJSON, streamSearch } from "./search_stream.ts";

/** Lists show the beginning of bodies. */
const LIST_BODY_LIMIT = 1_024;
const JSON_LIMIT = 32;
const JSON_LIMIT_MAX = 1_000;
const JSON_MILLIS = 5_000;
/** The times that a JavaScript date has. */
const TIME_MAX = 8_640_000_000_000_000;

/** When messages were stored, for a request's query. */
export const timeFields = {
  begin: wholeNumber({ max: TIME_MAX }).optional().openapi({
    description: "Stored at this time or later, in milliseconds since the epoch",
  }),
  end: wholeNumber({ max: TIME_MAX }).optional().openapi({
    description: "Stored at this time or earlier",
  }),
};

/** How much is answered, and in which form. */
export const pageFields = {
  order: z.enum(["asc", "desc"]).optional().openapi({ description: "By the time of storing" }),
  limit: wholeNumber({ min: 1 }).optional().openapi({
    description: "32 without it and at most 1000; a stream has no limit",
  }),
  cursor: z.string().min(1).max(500_000).optional().openapi({
    description: "Of the answer before, to go on behind it, with the same parameters",
  }),
  timeoutMillis: wholeNumber({ min: 1, max: 600_000 }).optional().openapi({
    description:
      "Answer with what was found after so long: 5000 without it; a stream takes its time",
  }),
  ...bodyQuery,
};

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

/** For the `responses` of a route that searches. */
export const searched = {
  200: {
    description: "Messages; as a stream of lines to whoever accepts " + NDJSON,
    content: { "application/json": { schema: pageSchema }, [NDJSON]: ndjson },
  },
  ...PROBLEMS,
};

type PageQuery = z.infer<z.ZodObject<typeof pageFields>> & z.infer<z.ZodObject<typeof filterQuery>>;
type PageJson = z.infer<typeof pageSchema>;

/** Where is searched. */
type Place = Pick<
  SearchQuery,
  "topic" | "queueId" | "brokerName" | "begin" | "end" | "beginOffset" | "endOffset"
>;

/** A function that searches for a request; it answers a stream itself. */
export function createSearch({ admin, log }: Pick<ApiParts, "admin" | "log">) {
  const searches = new Searches();
  return async (
    request: Request,
    place: Place,
    query: PageQuery,
    absentOrder: "asc" | "desc",
  ): Promise<Response | PageJson> => {
    if (place.begin !== undefined && place.end !== undefined && place.begin > place.end) {
      throw problem(400, "begin is after end");
    }
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
}
