/** What waits: messages for their time of delivery, transactions for their end. */

import { createRoute, z } from "@hono/zod-openapi";
import { halfMessages, resumeHalfMessage } from "../../client/admin/half_messages.ts";
import { findMessage } from "../../client/admin/messages.ts";
import { PendingTimers, recallTimer, timerCounts } from "../../client/admin/timers.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { topicName, wholeNumber } from "./schemas.ts";
import { Searches } from "./search_run.ts";

const tags = ["Pending"];
const LIMIT_MAX = 1_000;
const TIME_MAX = 8_640_000_000_000_000;
const GIVEN_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

const TimerSchema = z.object({
  deliverAt: z.number().int(),
  topic: z.string(),
  msgId: z.string(),
  offsetMsgId: z.string().openapi({ description: "Where it waits" }),
  brokerName: z.string(),
  keys: z.array(z.string()),
  tags: z.string().optional(),
  bodyLength: z.number().int(),
  bornTimestamp: z.number().int(),
  recallHandle: z.string().optional(),
}).openapi("PendingTimer");

const getTimers = createRoute({
  method: "get",
  path: "/timers",
  summary: "Messages that wait for their time, in the order in which they are due",
  tags,
  request: {
    query: z.object({
      topic: topicName.optional(),
      dueFrom: wholeNumber({ max: TIME_MAX }).default(0),
      limit: wholeNumber({ min: 1, max: LIMIT_MAX }).default(100),
      timeoutMillis: wholeNumber({ min: 1, max: 60_000 }).default(10_000),
    }),
  },
  responses: {
    200: jsonContent(
      z.object({
        timers: z.array(TimerSchema),
        scanned: z.number().int(),
        isComplete: z.boolean().openapi({ description: "All that wait have been looked at" }),
        counts: z.record(z.string(), z.number()).openapi({
          description: "How many wait for each topic, where brokers count them",
        }),
      }),
      "The first ones",
    ),
    ...PROBLEMS,
  },
});

const postRecall = createRoute({
  method: "post",
  path: "/timers/recall",
  summary: "Take a message back before it is due (recallMessageEnable)",
  tags,
  request: { body: jsonBody(z.object({ recallHandle: z.string().min(1).max(2_000) })) },
  responses: { 200: jsonContent(z.object({ msgId: z.string() }), "It is gone"), ...PROBLEMS },
});

const HalfSchema = z.object({
  topic: z.string(),
  producerGroup: z.string(),
  msgId: z.string(),
  offsetMsgId: z.string(),
  brokerName: z.string(),
  queueOffset: z.number().int(),
  ageMillis: z.number().int(),
  checkTimes: z.number().int().openapi({ description: "How often a producer was asked" }),
}).openapi("HalfMessage");

const getTransactions = createRoute({
  method: "get",
  path: "/transactions",
  summary: "Transactions that have not ended, the oldest first",
  tags,
  request: {
    query: z.object({ limit: wholeNumber({ min: 1, max: LIMIT_MAX }).default(100) }),
  },
  responses: {
    200: jsonContent(
      z.object({
        messages: z.array(HalfSchema),
        isComplete: z.boolean(),
        scanned: z.number().int(),
      }),
      "Half messages",
    ),
    ...PROBLEMS,
  },
});

const postResume = createRoute({
  method: "post",
  path: "/transactions/resume",
  summary: `Have producers be asked again about a message of ${GIVEN_UP_TOPIC}`,
  tags,
  request: {
    body: jsonBody(z.object({
      offsetMsgId: z.string().min(1).max(255).openapi({
        description: `As /messages?topic=${GIVEN_UP_TOPIC} tells it`,
      }),
    })),
  },
  responses: {
    200: jsonContent(z.object({ msgId: z.string() }), "It is asked about"),
    ...PROBLEMS,
  },
});

export function pendingApi(parts: ApiParts) {
  const { admin } = parts;
  const searches = new Searches();
  return apiArea()
    .openapi(getTimers, async (c) => {
      const { topic, dueFrom, limit, timeoutMillis } = c.req.valid("query");
      const pending = new PendingTimers({
        now: Date.now(),
        dueFrom,
        limit,
        ...(topic === undefined ? {} : { topic }),
      });
      const deadline = performance.now() + timeoutMillis;
      let scanned = 0;
      let isComplete = true;
      for (const { brokerName } of await admin.masters()) {
        using run = await searches.open(admin, pending.query(brokerName));
        while (!run.isComplete && performance.now() < deadline && !c.req.raw.signal.aborted) {
          await run.next();
        }
        isComplete &&= run.isComplete;
        scanned += run.scanned;
      }
      const timers = pending.timers.map((timer) => ({ ...timer, keys: [...timer.keys] }));
      return c.json({ timers, scanned, isComplete, counts: await timerCounts(admin) }, 200);
    })
    .openapi(postRecall, async (c) => {
      const { recallHandle } = c.req.valid("json");
      const msgId = await recallTimer(admin, recallHandle);
      audit(parts, c, { action: "timer.recall", target: msgId });
      return c.json({ msgId }, 200);
    })
    .openapi(getTransactions, async (c) => {
      const { limit } = c.req.valid("query");
      const { messages, ...rest } = await halfMessages(admin, limit, Date.now());
      return c.json({ messages: [...messages], ...rest }, 200);
    })
    .openapi(postResume, async (c) => {
      const { offsetMsgId } = c.req.valid("json");
      const message = await findMessage(admin, offsetMsgId, undefined, 0);
      if (message.topic !== GIVEN_UP_TOPIC) {
        throw problem(
          409,
          `${offsetMsgId} is no message of ${GIVEN_UP_TOPIC}, it is one of ${message.topic}`,
        );
      }
      const { brokerName, topic, msgId } = message;
      await resumeHalfMessage(admin, brokerName, message.offsetMsgId, topic);
      audit(parts, c, { action: "transaction.resume", target: msgId });
      return c.json({ msgId }, 200);
    });
}
