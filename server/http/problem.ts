/** Errors as problem documents (RFC 9457): what is wrong, and what to do. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { UnreachableError } from "../../client/admin/admin_client.ts";
import { RemotingError, ResponseCode } from "../../client/protocol/response_code.ts";
import { describeError, type Log } from "../log.ts";

export const ProblemSchema = z.object({
  /** A URI of the kind of problem; about:blank says no more than the status. */
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  /** What happened and what to do. */
  detail: z.string(),
  /** The ResponseCode, when a broker or a name server refused. */
  code: z.number().int().optional(),
}).openapi("Problem");
export type Problem = z.infer<typeof ProblemSchema>;

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  403: "Forbidden",
  404: "Not found",
  409: "Conflict",
  413: "Content too large",
  421: "Misdirected request",
  429: "Too many requests",
  500: "Internal error",
  501: "Not implemented",
  502: "The broker refused",
  503: "Not available",
};

/** The status of what a broker or a name server refused, by its code; else 502. */
const STATUS_OF_CODE: Readonly<Record<number, number>> = {
  [ResponseCode.SYSTEM_BUSY]: 503,
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]: 501,
  [ResponseCode.MESSAGE_ILLEGAL]: 400,
  [ResponseCode.SERVICE_NOT_AVAILABLE]: 503,
  [ResponseCode.NO_PERMISSION]: 403,
  [ResponseCode.TOPIC_NOT_EXIST]: 404,
  [ResponseCode.QUERY_NOT_FOUND]: 404,
  [ResponseCode.SUBSCRIPTION_PARSE_FAILED]: 400,
  [ResponseCode.SUBSCRIPTION_NOT_EXIST]: 404,
  [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST]: 404,
  [ResponseCode.INVALID_PARAMETER]: 400,
  [ResponseCode.CONSUMER_NOT_ONLINE]: 409,
  [ResponseCode.BROKER_NOT_EXIST]: 404,
  [ResponseCode.BROADCAST_CONSUMPTION]: 409,
  [ResponseCode.FLOW_CONTROL]: 503,
  [ResponseCode.ILLEGAL_OPERATION]: 400,
};

/** The error that becomes a problem document of this status: `throw problem(404, "…")`. */
export function problem(status: 400 | 403 | 404 | 409 | 413 | 421 | 501 | 503, detail: string) {
  return new HTTPException(status, { message: detail });
}

export function problemDocument(status: number, detail: string, code?: number): Problem {
  const title = TITLES[status] ?? "Error";
  return { type: "about:blank", title, status, detail, ...(code === undefined ? {} : { code }) };
}

export function problemResponse(status: number, detail: string, code?: number): Response {
  return new Response(JSON.stringify(problemDocument(status, detail, code)), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

/** Turns whatever a handler threw into an answer; what nobody expected is logged. */
export function answerError(log: Log): (error: Error, context: Context) => Response {
  return (error, context) => {
    if (error instanceof HTTPException) return problemResponse(error.status, error.message);
    if (error instanceof RemotingError) {
      return problemResponse(STATUS_OF_CODE[error.code] ?? 502, error.message, error.code);
    }
    if (error instanceof UnreachableError) return problemResponse(503, describeError(error));
    log.error("a request failed", { method: context.req.method, path: context.req.path, error });
    return problemResponse(500, "Something in Comet went wrong; its log has the details");
  };
}

/** For `defaultHook`: what a schema refused, with the fields and what was wrong with them. */
export function answerInvalid(
  result: { success: true } | { success: false; error: z.ZodError },
): Response | undefined {
  if (result.success) return undefined;
  const parts = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`
  );
  return problemResponse(400, parts.join("; "));
}

/** For the `responses` of a route: every error is a problem document. */
export const PROBLEMS = {
  default: {
    description: "A problem, in words that say what to do",
    content: { "application/problem+json": { schema: ProblemSchema } },
  },
} as const;
