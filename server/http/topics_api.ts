/** Topics: what there is, creating, changing, deleting. */

import { createRoute } from "@hono/zod-openapi";
import {
  createTopic,
  deleteTopic,
  findTopic,
  findTopicOrNone,
  listTopics,
  type Topic,
  type TopicList,
  updateTopic,
} from "../../client/admin/topics.ts";
import { groupsOfTopic, topicStats } from "../../client/admin/stats.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { cutPage, matches, sortBy, topicParam } from "./schemas.ts";
import {
  TopicAnswerSchema,
  TopicCreateSchema,
  TopicDeletedSchema,
  topicDeleteQuery,
  topicListQuery,
  TopicPageSchema,
  TopicUpdateSchema,
} from "./topic_schemas.ts";

const tags = ["Topics"];

const getTopics = createRoute({
  method: "get",
  path: "/topics",
  summary: "Topics, filtered, sorted and in pages",
  tags,
  request: { query: topicListQuery },
  responses: { 200: jsonContent(TopicPageSchema, "One page"), ...PROBLEMS },
});

const postTopic = createRoute({
  method: "post",
  path: "/topics",
  summary: "Create a topic on all brokers, or on those that are named",
  tags,
  request: { body: jsonBody(TopicCreateSchema) },
  responses: { 201: jsonContent(TopicAnswerSchema, "The topic"), ...PROBLEMS },
});

const getTopic = createRoute({
  method: "get",
  path: "/topics/{topic}",
  summary: "A topic as each broker has it",
  tags,
  request: { params: topicParam },
  responses: { 200: jsonContent(TopicAnswerSchema, "The topic"), ...PROBLEMS },
});

const putTopic = createRoute({
  method: "put",
  path: "/topics/{topic}",
  summary: "Change a topic where it is; what is left out stays as it is",
  tags,
  request: { params: topicParam, body: jsonBody(TopicUpdateSchema) },
  responses: { 200: jsonContent(TopicAnswerSchema, "The topic as it is now"), ...PROBLEMS },
});

const removeTopic = createRoute({
  method: "delete",
  path: "/topics/{topic}",
  summary: "Delete a topic with its messages, at the brokers and the name servers",
  tags,
  request: { params: topicParam, query: topicDeleteQuery },
  responses: { 200: jsonContent(TopicDeletedSchema, "What was deleted"), ...PROBLEMS },
});

export function topicsApi(parts: ApiParts) {
  const { admin } = parts;
  return apiArea()
    .openapi(getTopics, async (c) => {
      const query = c.req.valid("query");
      const list = await listTopics(admin);
      const { items, ...page } = cutPage(chosen(list, query), query);
      return c.json({ ...page, items: items.map(mutable), failures: [...list.failures] }, 200);
    })
    .openapi(postTopic, async (c) => {
      const { topic, clusterName, brokerNames, ...settings } = c.req.valid("json");
      if (await findTopicOrNone(admin, topic) !== undefined) {
        throw problem(
          409,
          `There is a topic ${topic} already; PUT /api/topics/${topic} changes it`,
        );
      }
      const { failures } = await createTopic(admin, topic, settings, { clusterName, brokerNames });
      const created = await findTopic(admin, topic);
      audit(parts, c, { action: "topic.create", target: topic, after: settingsOf(created.topic) });
      return c.json(answerOf(created.topic, [...failures, ...created.failures]), 201);
    })
    .openapi(getTopic, async (c) => {
      const { topic, failures } = await findTopic(admin, c.req.valid("param").topic);
      return c.json(answerOf(topic, failures), 200);
    })
    .openapi(putTopic, async (c) => {
      const name = c.req.valid("param").topic;
      const { brokerNames, ...settings } = c.req.valid("json");
      const { topic } = await findTopic(admin, name);
      const { failures } = await updateTopic(admin, topic, settings, { brokerNames });
      const changed = await findTopic(admin, name);
      audit(parts, c, {
        action: "topic.update",
        target: name,
        before: settingsOf(topic),
        after: settingsOf(changed.topic),
      });
      return c.json(answerOf(changed.topic, [...failures, ...changed.failures]), 200);
    })
    .openapi(removeTopic, async (c) => {
      const name = c.req.valid("param").topic;
      const { clusterName, dryRun } = c.req.valid("query");
      const { topic } = await findTopic(admin, name);
      const [stats, consumers] = await Promise.all([
        topicStats(admin, topic),
        groupsOfTopic(admin, topic),
      ]);
      const failures = dryRun
        ? stats.failures
        : (await deleteTopic(admin, name, { clusterName })).failures;
      if (!dryRun) {
        audit(parts, c, { action: "topic.delete", target: name, before: settingsOf(topic) });
      }
      const messageCount = stats.queues.reduce(
        (sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset,
        0,
      );
      const brokerNames = topic.brokers
        .filter((broker) => clusterName === undefined || broker.clusterName === clusterName)
        .map(({ brokerName }) => brokerName);
      const { groups } = consumers;
      return c.json(
        { topic: name, dryRun, brokerNames, messageCount, groups, failures: [...failures] },
        200,
      );
    });
}

function chosen(
  { topics }: TopicList,
  { search, type, messageType, sort }: {
    search?: string | undefined;
    type?: string | undefined;
    messageType?: string | undefined;
    sort: string;
  },
) {
  const found = topics.filter((topic) =>
    (type === undefined || topic.type === type) &&
    (messageType === undefined || topic.messageType === messageType) &&
    matches(topic.topic, search)
  );
  return sortBy(found, sort, {
    topic: (topic) => topic.topic,
    type: (topic) => topic.type,
    messageType: (topic) => topic.messageType,
    readQueueNums: (topic) => topic.readQueueNums,
    writeQueueNums: (topic) => topic.writeQueueNums,
    perm: (topic) => topic.perm,
  });
}

function answerOf(topic: Topic, failures: TopicList["failures"]) {
  return { ...mutable(topic), failures: [...failures] };
}

/** The same for the schema's types, which know nothing that is read-only. */
function mutable(topic: Topic) {
  return { ...topic, brokers: topic.brokers.map((broker) => ({ ...broker })) };
}

/** What the log says of a topic. */
function settingsOf({ brokers }: Topic) {
  return brokers.map(({ brokerName, readQueueNums, writeQueueNums, perm, order, attributes }) => ({
    brokerName,
    readQueueNums,
    writeQueueNums,
    perm,
    order,
    attributes,
  }));
}
