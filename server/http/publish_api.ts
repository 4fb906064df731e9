/** Sending messages over HTTP: new ones, and again those that were sent before. */

import { createRoute, z } from "@hono/zod-openapi";
import { findStored } from "../../client/admin/messages.ts";
import { consumeDirectly } from "../../client/admin/consume_directly.ts";
import { copyOf, invalidPropertyReason, Publisher } from "../../client/admin/publish.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { groupName, serverName, timestamp, topicName } from "./schemas.ts";

const tags = ["Messages"];

/** What separates properties in a message cannot be in one. */
// deno-lint-ignore no-control-regex -- they are what is refused
const propertyText = z.string().min(1).max(32_000).regex(/^[^\x00-\x02]*$/);
const key = propertyText.regex(/^\S+$/, "a key has no spaces, which separate keys");

const PublishSchema = z.object({
  topic: topicName,
  body: z.string(),
  bodyEncoding: z.enum(["text", "base64"]).default("text"),
  keys: z.array(key).max(1_000).optional(),
  tag: propertyText.optional(),
  properties: z.record(z.string(), z.string()).optional(),
  shardingKey: propertyText.optional().openapi({
    description: "Messages with the same key go to the same queue",
  }),
  delayMillis: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  deliverAt: timestamp.optional(),
  queueId: z.number().int().min(0).max(65_535).optional(),
  brokerName: serverName.optional(),
}).openapi("MessageToPublish");

const PublishedSchema = z.object({
  msgId: z.string(),
  offsetMsgId: z.string(),
  brokerName: z.string(),
  queueId: z.number().int(),
  queueOffset: z.number().int(),
  sendStatus: z.string().openapi({ description: "SEND_OK, or how far it falls short of that" }),
  recallHandle: z.string().optional().openapi({
    description: "With which a message with a delay can be taken back",
  }),
}).openapi("PublishedMessage");

const publish = createRoute({
  method: "post",
  path: "/messages",
  summary: "Send a message",
  tags,
  request: { body: jsonBody(PublishSchema) },
  responses: { 201: jsonContent(PublishedSchema, "Where it is now"), ...PROBLEMS },
});

const ResendSchema = z.object({
  topic: topicName.optional().openapi({ description: "Of the message; needed for a unique key" }),
  toTopic: topicName.optional().openapi({
    description: "Where the copy goes; the topic of the message without it",
  }),
  group: groupName.optional().openapi({
    description:
      "Have a consumer of this group consume the message itself, instead of sending a copy",
  }),
  clientId: z.string().min(1).max(1_000).optional().openapi({
    description: "Which consumer; the first one without it",
  }),
}).openapi("Resend");

const ResentSchema = z.object({
  published: PublishedSchema.optional().openapi({ description: "The copy" }),
  consumed: z.object({
    clientId: z.string(),
    consumeResult: z.string(),
    spentTimeMillis: z.number().optional(),
    remark: z.string().optional(),
  }).optional().openapi({ description: "What the consumer made of it" }),
}).openapi("Resent");

const resend = createRoute({
  method: "post",
  path: "/messages/{id}/resend",
  summary: "Send a copy of a message, or have one consumer consume it again",
  tags,
  request: {
    params: z.object({ id: z.string().min(1).max(255) }),
    body: jsonBody(ResendSchema),
  },
  responses: { 200: jsonContent(ResentSchema, "What became of it"), ...PROBLEMS },
});

/** A publisher whose keys nobody else makes. */
export function createPublisher({ admin }: Pick<ApiParts, "admin">): Publisher {
  return new Publisher(admin, crypto.getRandomValues(new Int32Array(1))[0]!, Deno.pid);
}

export function publishApi(parts: ApiParts) {
  const { admin } = parts;
  const publisher = createPublisher(parts);
  return apiArea()
    .openapi(publish, async (c) => {
      const { bodyEncoding, body, ...message } = c.req.valid("json");
      if (message.delayMillis !== undefined && message.deliverAt !== undefined) {
        throw problem(400, "delayMillis and deliverAt: say one of them");
      }
      for (const [name, value] of Object.entries(message.properties ?? {})) {
        const reason = invalidPropertyReason(name, value);
        if (reason !== undefined) throw problem(400, reason);
      }
      const bytes = bodyEncoding === "base64" ? fromBase64(body) : encodeUtf8(body);
      const published = await publisher.publish(defined({ ...message, body: bytes }), Date.now());
      audit(parts, c, {
        action: "message.publish",
        target: message.topic,
        after: { msgId: published.msgId, offsetMsgId: published.offsetMsgId },
      });
      return c.json(published, 201);
    })
    .openapi(resend, async (c) => {
      const { id } = c.req.valid("param");
      const { topic, toTopic, group, clientId } = c.req.valid("json");
      if (group !== undefined && toTopic !== undefined) {
        throw problem(400, "group and toTopic: say one of them");
      }
      if (clientId !== undefined && group === undefined) {
        throw problem(400, "clientId: say the consumer's group too");
      }
      const stored = await findStored(admin, id, topic);
      if (group !== undefined) {
        const consumed = await consumeDirectly(admin, stored, group, clientId);
        audit(parts, c, { action: "message.consumeDirectly", target: id, after: consumed });
        return c.json({ consumed }, 200);
      }
      const now = Date.now();
      const queue = await publisher.nextQueue(toTopic ?? stored.topic);
      const copy = copyOf(stored, publisher.nextKey(now), now);
      const published = await publisher.send(queue, copy);
      audit(parts, c, {
        action: "message.resend",
        target: id,
        after: { topic: queue.topic, msgId: published.msgId },
      });
      return c.json({ published }, 200);
    });
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw problem(400, "body: is no base64, as bodyEncoding says");
  }
}

/** Without the fields that are undefined. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined),
  ) as Defined<T>;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };
