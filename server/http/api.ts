/** The HTTP API: all its areas, the document that describes them, and what happens to errors. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { apiArea, type ApiParts } from "./api_route.ts";
import { clientsApi } from "./clients_api.ts";
import { clusterApi } from "./cluster_api.ts";
import { definitionsApi } from "./definitions_api.ts";
import { docsApi } from "./docs_api.ts";
import { groupViewsApi } from "./group_views_api.ts";
import { groupsApi } from "./groups_api.ts";
import { guard, type GuardSettings, type HttpEnv } from "./guard.ts";
import { consumeApi } from "./consume_api.ts";
import { dlqApi } from "./dlq_api.ts";
import { liveApi } from "./live_api.ts";
import { messagesApi } from "./messages_api.ts";
import { namesrvApi } from "./namesrv_api.ts";
import { answerError, problemResponse } from "./problem.ts";
import { pendingApi } from "./pending_api.ts";
import { publishApi } from "./publish_api.ts";
import { resetApi } from "./reset_api.ts";
import { traceApi } from "./trace_api.ts";
import { topicViewsApi } from "./topic_views_api.ts";
import { topicsApi } from "./topics_api.ts";

/** The routes of the API; the dashboard's calls are typed by them. */
export type AdminApi = ReturnType<typeof createApi>;

export interface ApiOptions extends ApiParts {
  settings: GuardSettings;
  version: string;
}

const BASE = "/api";
/** The largest message as base64, and documents of definitions. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Makes the whole API, under `/api`. */
export function createApi(options: ApiOptions) {
  const api = apiArea()
    .route("/", clusterApi(options))
    .route("/", namesrvApi(options))
    .route("/", topicsApi(options))
    .route("/", topicViewsApi(options))
    .route("/", groupsApi(options))
    .route("/", groupViewsApi(options))
    .route("/", resetApi(options))
    .route("/", clientsApi(options))
    .route("/", definitionsApi(options))
    .route("/", messagesApi(options))
    .route("/", publishApi(options))
    .route("/", traceApi(options))
    .route("/", dlqApi(options))
    .route("/", pendingApi(options))
    .route("/", consumeApi(options))
    .route("/", liveApi(options));
  const app = new OpenAPIHono<HttpEnv>();
  app.onError(answerError(options.log));
  app.notFound((c) => problemResponse(404, `Nothing is served at ${c.req.path}`));
  app.use("*", guard(options.settings));
  app.use(BASE + "/*", answerHeaders);
  app.use(BASE + "/*", bodyLimit({ maxSize: BODY_BYTES_MAX, onError: refuseBody }));
  app.route(BASE, docsApi(api, options.version, BASE));
  return app.route(BASE, api);
}

/** Answers are of the moment and are what they say they are. */
const answerHeaders = createMiddleware<HttpEnv>(async (c, next) => {
  await next();
  if (c.res.status === 101) return;
  c.res.headers.set("x-content-type-options", "nosniff");
  if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
});

function refuseBody(): Response {
  return problemResponse(413, `A body has at most ${BODY_BYTES_MAX} bytes`);
}
