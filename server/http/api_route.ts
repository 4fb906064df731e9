/** What every area of the API is made with. */

import { OpenAPIHono, type z } from "@hono/zod-openapi";
import type { AdminClient } from "../../client/admin/admin_client.ts";
import type { Log } from "../log.ts";
import type { HttpEnv } from "./guard.ts";
import { answerInvalid } from "./problem.ts";

/** What handlers work with. */
export interface ApiParts {
  admin: AdminClient;
  /** Of the API; changes are written to it with who, from where, what, before and after. */
  log: Log;
  /** Aborted when the server stops: what goes on by itself has to end then. */
  stopped?: AbortSignal;
}

/** An empty area of the API. Routes are added to it with `.openapi(createRoute(…), handler)`, in one chain. */
export function apiArea(): OpenAPIHono<HttpEnv> {
  return new OpenAPIHono<HttpEnv>({ defaultHook: answerInvalid });
}

/** For a route's `responses`: JSON of this form. */
export function jsonContent<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** For a route's `request`: a body of JSON, which has to be there. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } };
}
