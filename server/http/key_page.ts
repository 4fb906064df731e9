/** One page of the messages that have a key, newest first. */

import type { AdminClient } from "../../client/admin/admin_client.ts";
import { queryByKey } from "../../client/admin/messages.ts";
import { type BodyEncoding, type MessageJson, messageJson } from "./message_schema.ts";
import { problem } from "./problem.ts";

interface KeyPageQuery {
  topic: string;
  key: string;
  begin?: number | undefined;
  end?: number | undefined;
  queue?: number | undefined;
  brokerName?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
  bodyEncoding: BodyEncoding;
  bodyLimit?: number | undefined;
  [filter: string]: unknown;
}

interface KeyPage {
  messages: MessageJson[];
  scanned: number;
  isComplete: boolean;
  cursor?: string;
}

const LIMIT = 32;
const LIMIT_MAX = 1_000;
const BODY_LIMIT = 1_024;
/** What does not go together with a key: the index knows nothing of it. */
const NOT_WITH_KEY = ["tag", "sql", "text", "jsonPath", "jsonValue", "queue", "brokerName"];

/** @throws {HTTPException} 400 when the request asks for more than an index can tell. */
export async function keyPage(admin: AdminClient, query: KeyPageQuery): Promise<KeyPage> {
  const other = NOT_WITH_KEY.find((name) => query[name] !== undefined);
  if (other !== undefined) throw problem(400, `${other}: not together with key; leave one out`);
  if (query["order"] === "asc") throw problem(400, "order: by key the newest comes first");
  const { topic, key, begin, cursor, limit = LIMIT, bodyLimit = BODY_LIMIT } = query;
  if (limit > LIMIT_MAX) throw problem(400, `limit: at most ${LIMIT_MAX}`);
  const after = cursor === undefined ? undefined : parseKeyCursor(cursor);
  const end = after?.end ?? query.end;
  const found = await queryByKey(admin, {
    topic,
    key,
    maxNum: limit + (after?.seen.length ?? 0),
    bodyLimit,
    ...(begin === undefined ? {} : { begin }),
    ...(end === undefined ? {} : { end }),
  });
  const fresh = found.messages.filter(({ offsetMsgId }) => !after?.seen.includes(offsetMsgId));
  const messages = fresh.slice(0, limit);
  const isComplete = messages.length === fresh.length && !found.isFull || messages.length === 0;
  const page = {
    messages: messages.map((message) => messageJson(message, query.bodyEncoding)),
    scanned: found.messages.length,
    isComplete,
  };
  if (isComplete) return page;
  const last = messages.at(-1)!.storeTimestamp;
  const seen = messages.filter(({ storeTimestamp }) => storeTimestamp === last)
    .map(({ offsetMsgId }) => offsetMsgId);
  const before = after?.end === last ? after.seen : [];
  return { ...page, cursor: btoa(JSON.stringify([last, [...before, ...seen]])) };
}

/** Behind what was given: up to this time, without these. */
function parseKeyCursor(text: string): { end: number; seen: string[] } {
  try {
    const [end, seen] = JSON.parse(atob(text));
    if (!Number.isSafeInteger(end) || !Array.isArray(seen)) throw new TypeError();
    if (!seen.every((id) => typeof id === "string")) throw new TypeError();
    return { end, seen };
  } catch {
    throw problem(400, "cursor: take it from the answer before, as it is");
  }
}
