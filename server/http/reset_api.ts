/** Lookback: taking a group to another time or offset, skipping what has piled up, giving offsets to another group. */

import { createRoute, type z } from "@hono/zod-openapi";
import { findGroup } from "../../client/admin/groups.ts";
import { mapLimited } from "../../client/admin/fan_out.ts";
import { readQueues } from "../../client/admin/queue_reading.ts";
import {
  applyReset,
  cloneOffsets,
  committedOffset,
  consumedTopics,
  planReset,
  type ResetPlan,
  type ResetTarget,
} from "../../client/admin/reset.ts";
import type { AdminClient } from "../../client/admin/admin_client.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import {
  CloneAnswerSchema,
  CloneRequestSchema,
  ResetAnswerSchema,
  ResetRequestSchema,
  SkipAnswerSchema,
  SkipRequestSchema,
} from "./group_schemas.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { groupParam as params } from "./schemas.ts";

const tags = ["Groups"];

const postReset = createRoute({
  method: "post",
  path: "/groups/{group}/reset",
  summary:
    "Take a group to a time, to offsets or to an end of a topic, whether it is online or not",
  tags,
  request: { params, body: jsonBody(ResetRequestSchema) },
  responses: { 200: jsonContent(ResetAnswerSchema, "By queue"), ...PROBLEMS },
});

const postSkip = createRoute({
  method: "post",
  path: "/groups/{group}/skip",
  summary: "Skip what has piled up for a group: it goes on with what comes from now on",
  tags,
  request: { params, body: jsonBody(SkipRequestSchema) },
  responses: { 200: jsonContent(SkipAnswerSchema, "By topic and queue"), ...PROBLEMS },
});

const postClone = createRoute({
  method: "post",
  path: "/groups/{group}/clone",
  summary: "Give another group the offsets of this one",
  tags,
  request: { params, body: jsonBody(CloneRequestSchema) },
  responses: { 200: jsonContent(CloneAnswerSchema, "By topic and queue"), ...PROBLEMS },
});

const TOPICS_AT_A_TIME = 8;
const QUEUES_AT_A_TIME = 32;

export function resetApi(parts: ApiParts) {
  const { admin } = parts;
  return apiArea()
    .openapi(postReset, async (c) => {
      const { topic, force, dryRun, ...rest } = c.req.valid("json");
      const target: ResetTarget = rest;
      const { group } = await findGroup(admin, c.req.valid("param").group);
      const plan = await planReset(admin, group, { topic, target, force });
      const failures = dryRun ? [] : (await applyReset(admin, plan, target, force)).failures;
      if (!dryRun) audit(parts, c, resetChange("group.reset", plan));
      return c.json({ ...resetJson(plan), dryRun, failures }, 200);
    })
    .openapi(postSkip, async (c) => {
      const { topic, dryRun } = c.req.valid("json");
      const { group } = await findGroup(admin, c.req.valid("param").group);
      const topics = topic === undefined ? await consumedTopics(admin, group) : [topic];
      const target = { to: "latest" } as const;
      const resets = await mapLimited(topics, TOPICS_AT_A_TIME, async (name) => {
        const plan = await planReset(admin, group, { topic: name, target, force: true });
        const failures = dryRun ? [] : (await applyReset(admin, plan, target, true)).failures;
        if (!dryRun) audit(parts, c, resetChange("group.skip", plan));
        return { ...resetJson(plan), dryRun, failures };
      });
      return c.json({ group: group.group, resets }, 200);
    })
    .openapi(postClone, async (c) => {
      const { destGroup, topic, dryRun } = c.req.valid("json");
      const { group } = await findGroup(admin, c.req.valid("param").group);
      if (destGroup === group.group) throw problem(400, "A group cannot be cloned to itself");
      await findGroup(admin, destGroup);
      const names = topic === undefined ? await consumedTopics(admin, group) : [topic];
      const topics = await mapLimited(names, TOPICS_AT_A_TIME, async (name) => ({
        topic: name,
        queues: await clonedQueues(admin, [group.group, destGroup], name),
      }));
      const { failures } = dryRun
        ? { failures: [] }
        : await cloneOffsets(admin, group, destGroup, names);
      if (!dryRun) {
        audit(parts, c, {
          action: "group.clone",
          target: destGroup,
          before: topics,
          after: { srcGroup: group.group },
        });
      }
      return c.json(
        { srcGroup: group.group, destGroup, dryRun, topics, failures: [...failures] },
        200,
      );
    });
}

/** Where the first group is, to which the second is to go. */
async function clonedQueues(
  admin: AdminClient,
  [srcGroup, destGroup]: readonly [string, string],
  topic: string,
): Promise<z.infer<typeof CloneAnswerSchema>["topics"][number]["queues"]> {
  const queues = await readQueues(admin, topic);
  const rows = await mapLimited(queues, QUEUES_AT_A_TIME, async (queue) => {
    const [newOffset, oldOffset] = await Promise.all([
      committedOffset(admin, srcGroup, queue),
      committedOffset(admin, destGroup, queue),
    ]);
    const { brokerName, queueId } = queue;
    if (newOffset === undefined) return undefined;
    return { brokerName, queueId, newOffset, ...(oldOffset === undefined ? {} : { oldOffset }) };
  });
  return rows.filter((row) => row !== undefined);
}

function resetJson({ group, topic, online, queues }: ResetPlan) {
  return {
    group,
    topic,
    online,
    replayCount: queues.reduce((sum, { replayCount }) => sum + replayCount, 0),
    skipCount: queues.reduce((sum, { skipCount }) => sum + skipCount, 0),
    queues: queues.map(({ oldOffset, ...queue }) =>
      oldOffset === undefined ? queue : { ...queue, oldOffset }
    ),
  };
}

function resetChange(action: string, { group, topic, queues }: ResetPlan) {
  const offsets = (of: "oldOffset" | "newOffset") =>
    Object.fromEntries(
      queues.map((queue) => [`${queue.brokerName}:${queue.queueId}`, queue[of] ?? null]),
    );
  return {
    action,
    target: group,
    before: { topic, offsets: offsets("oldOffset") },
    after: { topic, offsets: offsets("newOffset") },
  };
}
