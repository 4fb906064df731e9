/** Calls of the HTTP API, typed by its own routes. */

import { hc } from "hono/client";
import type { AdminApi } from "../server/http/api.ts";
import type { Problem } from "../server/http/problem.ts";

/** Every route: `api.topics.$get({ query })`, `api.topics[":topic"].$get({ param })`. */
export const api = hc<AdminApi>("/").api;

/** What the API said when it did not do what was asked. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/** An answer of `api`, whose JSON may be a problem. */
interface Answer {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<unknown>;
}

/** What an answer holds when all went well. */
type ValueOf<A extends Answer> = Exclude<Awaited<ReturnType<A["json"]>>, Problem>;

/** Server gone, or the network in between. */
export const UNREACHABLE = 0;

/**
 * The JSON of an answer: `await read(api.cluster.$get())`.
 * @throws {ApiError} with the problem's words; status 0 when nobody answered.
 */
export async function read<A extends Answer>(answering: Promise<A>): Promise<ValueOf<A>> {
  const answer = await answering.catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(UNREACHABLE, "Comet does not answer");
  });
  if (answer.ok) return await answer.json() as ValueOf<A>;
  throw new ApiError(answer.status, await detailOf(answer));
}

async function detailOf(answer: Answer): Promise<string> {
  try {
    return (await answer.json() as Problem).detail;
  } catch {
    return `The server answered with status ${answer.status}`;
  }
}
