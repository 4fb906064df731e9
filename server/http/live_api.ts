/** What happens now: rates of the last hour, and a WebSocket with rates, lag and messages as they come. */

import { createRoute, z } from "@hono/zod-openapi";
import { ClusterMeter } from "../../client/admin/rates.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { LiveSession } from "./live/live_session.ts";
import { Pollers } from "./live/pollers.ts";
import { RateHistory, SAMPLE_MILLIS } from "./live/rate_history.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { wholeNumber } from "./schemas.ts";

const tags = ["Live"];

const traffic = {
  inTps: z.number().openapi({ description: "Messages per second that come in" }),
  outTps: z.number().openapi({ description: "Messages per second that are given to consumers" }),
  inBytesPerSecond: z.number(),
};

const SampleSchema = z.object({
  timestamp: z.number().int(),
  ...traffic,
  brokers: z.array(z.object({
    brokerName: z.string(),
    ...traffic,
    putLatency99Millis: z.number().optional(),
    diskRatio: z.number(),
    dispatchBehindBytes: z.number(),
  })),
}).openapi("RateSample");

const getRates = createRoute({
  method: "get",
  path: "/rates",
  summary: "Rates of the last hour, as far back as somebody first asked for them",
  tags,
  request: {
    query: z.object({
      minutes: wholeNumber({ min: 1, max: 60 }).default(60),
    }),
  },
  responses: {
    200: jsonContent(
      z.object({ intervalMillis: z.number().int(), samples: z.array(SampleSchema) }),
      "Samples, oldest first",
    ),
    ...PROBLEMS,
  },
});

const getLive = createRoute({
  method: "get",
  path: "/live",
  summary: "A WebSocket: subscribe to rates, lag, and the messages of a topic as they come",
  description: 'Send {"type":"subscribe","id":"1","feed":"cluster"}, or the feeds ' +
    '{"feed":"topics","topics":[…]}, {"feed":"groups","groups":[…]} and ' +
    '{"feed":"tail","topic":…,"tag":…,"sql":…,"text":…}; {"type":"unsubscribe","id":"1"} ends one. ' +
    'Answers are {"type":"data","id":…,"data":…}; {"type":"dropped","id":…,"count":…} says how ' +
    "much was left out because it came too fast.",
  tags,
  responses: { 101: { description: "The WebSocket" }, ...PROBLEMS },
});

/** More are not served. */
const SESSIONS_MAX = 100;

export function liveApi({ admin, stopped }: ApiParts) {
  const now = () => Date.now();
  const pollers = new Pollers();
  const history = new RateHistory(new ClusterMeter(admin, now));
  const sessions = new Set<WebSocket>();
  stopped?.addEventListener("abort", () => {
    history[Symbol.dispose]();
    pollers[Symbol.dispose]();
    for (const socket of sessions) socket.close(GOING_AWAY, "The server stops");
  });
  return apiArea()
    .openapi(getRates, async (c) => {
      history.start();
      const { minutes } = c.req.valid("query");
      const samples = await history.since(now() - minutes * 60_000);
      return c.json({
        intervalMillis: SAMPLE_MILLIS,
        samples: samples.map((sample) => ({ ...sample, brokers: [...sample.brokers] })),
      }, 200);
    })
    .openapi(getLive, (c) => {
      if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
        throw problem(400, "Open a WebSocket here");
      }
      if (sessions.size >= SESSIONS_MAX) {
        throw problem(503, `${SESSIONS_MAX} WebSockets are open, more are not served`);
      }
      history.start();
      const { socket, response } = Deno.upgradeWebSocket(c.req.raw);
      const session = new LiveSession({ admin, pollers, now }, socket);
      sessions.add(socket);
      socket.addEventListener("message", ({ data }) => session.receive(data));
      // An error is always followed by the end.
      socket.addEventListener("error", () => {});
      socket.addEventListener("close", () => {
        sessions.delete(socket);
        session[Symbol.dispose]();
      });
      return response;
    });
}

/** A closing code of RFC 6455. */
const GOING_AWAY = 1001;
