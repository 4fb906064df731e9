/** The HTTP API: all its areas, the document that describes them, and what happens to errors. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { apiArea, type ApiParts } from "./api_route.ts";
import { clusterApi } from "./cluster_api.ts";
import { guard, type GuardSettings, type HttpEnv } from "./guard.ts";
import { answerError, problemResponse } from "./problem.ts";

/** The routes of the API; the dashboard's calls are typed by them. */
export type AdminApi = ReturnType<typeof createApi>;

export interface ApiOptions extends ApiParts {
  settings: GuardSettings;
  version: string;
}

/** Makes the whole API, under `/api`. */
export function createApi(options: ApiOptions) {
  const api = apiArea()
    .route("/", clusterApi(options));
  const app = new OpenAPIHono<HttpEnv>();
  app.onError(answerError(options.log));
  app.notFound((c) => problemResponse(404, `Nothing is served at ${c.req.path}`));
  app.use("*", guard(options.settings));
  api.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Comet",
      version: options.version,
      description: "Topics, groups and messages of a RocketMQ cluster over HTTP.",
    },
    servers: [{ url: "/api" }],
  });
  return app.route("/api", api);
}
