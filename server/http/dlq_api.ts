/** Dead letters: which groups have some, what they are, and sending them again. */

import { createRoute, z } from "@hono/zod-openapi";
import {
  deadLetterGroups,
  deadLetterQueues,
  originTopicOf,
  resendDeadLetter,
  resendTopicOf,
} from "../../client/admin/dead_letters.ts";
import type { Message } from "../../client/admin/message.ts";
import { findMessage, findStored } from "../../client/admin/messages.ts";
import { DLQ_GROUP_TOPIC_PREFIX } from "../../client/protocol/names.ts";
import { RemotingError } from "../../client/protocol/response_code.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { filterOf, filterQuery } from "./message_filter.ts";
import { createSearch, pageFields, searched, timeFields } from "./message_search.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { createPublisher } from "./publish_api.ts";
import {
  cutPage,
  groupParam,
  matches,
  pageQuery,
  search as searchText,
  timestamp,
} from "./schemas.ts";
import { parseCursor, Searches } from "./search_run.ts";

const tags = ["Dead letters"];
const RESEND_MAX = 1_000;
const RESEND_MILLIS = 20_000;

const QueueSchema = z.object({
  group: z.string(),
  topic: z.string(),
  messageCount: z.number().int(),
  lastUpdateTimestamp: z.number().int(),
}).openapi("DeadLetterQueue");

const getQueues = createRoute({
  method: "get",
  path: "/dlq",
  summary: "Groups that have a topic for dead letters, in pages",
  tags,
  request: { query: z.object({ search: searchText, ...pageQuery }) },
  responses: {
    200: jsonContent(
      z.object({
        items: z.array(QueueSchema),
        total: z.number().int(),
        page: z.number().int(),
        limit: z.number().int(),
      }),
      "One page",
    ),
    ...PROBLEMS,
  },
});

const getLetters = createRoute({
  method: "get",
  path: "/dlq/{group}/messages",
  summary: "The dead letters of a group, newest first",
  tags,
  request: {
    params: groupParam,
    query: z.object({ ...timeFields, ...filterQuery, ...pageFields }),
  },
  responses: searched,
});

const ResendSchema = z.object({
  msgIds: z.array(z.string().min(1).max(255)).min(1).max(RESEND_MAX).optional().openapi({
    description: "These ones; without it all that the filters let through",
  }),
  begin: timestamp.optional(),
  end: timestamp.optional(),
  ...filterQuery,
  to: z.enum(["group", "topic"]).default("group").openapi({
    description: "group: to this group alone; topic: to their first topic, for all its groups",
  }),
  limit: z.number().int().min(1).max(RESEND_MAX).default(100),
  cursor: z.string().max(500_000).optional(),
  dryRun: z.boolean().default(false).openapi({ description: "Only tell what would be sent" }),
}).openapi("DeadLetterResend");

const LetterSchema = z.object({
  msgId: z.string(),
  offsetMsgId: z.string(),
  storeTimestamp: z.number().int(),
  reconsumeTimes: z.number().int(),
  toTopic: z.string().optional(),
  resentAs: z.string().optional().openapi({ description: "The offsetMsgId of what was sent" }),
  problem: z.string().optional().openapi({ description: "Why it was not sent" }),
});

const postResend = createRoute({
  method: "post",
  path: "/dlq/{group}/resend",
  summary: "Send dead letters again, oldest first; they stay where they are",
  tags,
  request: { params: groupParam, body: jsonBody(ResendSchema) },
  responses: {
    200: jsonContent(
      z.object({
        dryRun: z.boolean(),
        messages: z.array(LetterSchema),
        resentCount: z.number().int(),
        failedCount: z.number().int(),
        isComplete: z.boolean(),
        cursor: z.string().optional(),
      }),
      "What was sent, or would be",
    ),
    ...PROBLEMS,
  },
});

type Resend = z.infer<typeof ResendSchema>;
type Letter = z.infer<typeof LetterSchema>;

export function dlqApi(parts: ApiParts) {
  const { admin } = parts;
  const publisher = createPublisher(parts);
  const search = createSearch(parts);
  const searches = new Searches();

  /** The letters that a request means. */
  const chosen = async (topic: string, request: Resend) => {
    const { msgIds, begin, end, limit, cursor } = request;
    if (msgIds !== undefined) {
      const letters: Message[] = [];
      for (const id of new Set(msgIds)) {
        const letter = await findMessage(admin, id, topic, 0);
        if (letter.topic !== topic) throw problem(404, `${id} is no message of ${topic}`);
        letters.push(letter);
      }
      return { letters, isComplete: true };
    }
    using run = await searches.open(admin, {
      topic,
      order: "asc",
      filter: filterOf(request),
      bodyLimit: 0,
      ...(begin === undefined ? {} : { begin }),
      ...(end === undefined ? {} : { end }),
      ...(cursor === undefined ? {} : { cursor: parseCursor(cursor) }),
    });
    const deadline = performance.now() + RESEND_MILLIS;
    const letters: Message[] = [];
    while (letters.length < limit && !run.isComplete && performance.now() < deadline) {
      const letter = await run.next();
      if (letter !== undefined) letters.push(letter);
    }
    const { isComplete, cursor: next } = run.state;
    return { letters, isComplete, ...(next === undefined ? {} : { cursor: next }) };
  };

  const resend = async (group: string, letter: Message, request: Resend): Promise<Letter> => {
    const { msgId, offsetMsgId, storeTimestamp, reconsumeTimes } = letter;
    const told = { msgId, offsetMsgId, storeTimestamp, reconsumeTimes };
    try {
      const origin = originTopicOf(letter.properties);
      const toTopic = await resendTopicOf(admin, group, origin, request.to);
      if (request.dryRun) return { ...told, toTopic };
      const stored = await findStored(admin, offsetMsgId);
      const sent = await resendDeadLetter(publisher, stored, toTopic, Date.now());
      return { ...told, toTopic, resentAs: sent.offsetMsgId };
    } catch (error) {
      if (!(error instanceof RemotingError)) throw error;
      return { ...told, problem: error.message };
    }
  };

  return apiArea()
    .openapi(getQueues, async (c) => {
      const query = c.req.valid("query");
      const groups = (await deadLetterGroups(admin)).filter((group) =>
        matches(group, query.search)
      );
      const { items, ...page } = cutPage(groups, query);
      return c.json({ items: await deadLetterQueues(admin, items), ...page }, 200);
    })
    .openapi(getLetters, async (c) => {
      const query = c.req.valid("query");
      const { begin, end } = query;
      const place = {
        topic: DLQ_GROUP_TOPIC_PREFIX + c.req.valid("param").group,
        ...(begin === undefined ? {} : { begin }),
        ...(end === undefined ? {} : { end }),
      };
      const result = await search(c.req.raw, place, query, "desc");
      return result instanceof Response ? result as never : c.json(result, 200);
    })
    .openapi(postResend, async (c) => {
      const { group } = c.req.valid("param");
      const request = c.req.valid("json");
      const { letters, ...state } = await chosen(DLQ_GROUP_TOPIC_PREFIX + group, request);
      const messages: Letter[] = [];
      for (const letter of letters) messages.push(await resend(group, letter, request));
      const resentCount = messages.filter(({ resentAs }) => resentAs !== undefined).length;
      const failedCount = messages.filter((letter) => letter.problem !== undefined).length;
      if (!request.dryRun) {
        audit(parts, c, {
          action: "dlq.resend",
          target: group,
          after: { to: request.to, resentCount, failedCount },
        });
      }
      return c.json({ dryRun: request.dryRun, messages, resentCount, failedCount, ...state }, 200);
    });
}
