/** What is in a topic: its route, its queues and traffic, its consumers, its offsets by time. */

import { createRoute, z } from "@hono/zod-openapi";
import { queueOffsets } from "../../client/admin/offsets.ts";
import { readQueues } from "../../client/admin/queue_reading.ts";
import { groupsOfTopic, topicConsumers, topicStats } from "../../client/admin/stats.ts";
import { findTopic } from "../../client/admin/topics.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { problem, PROBLEMS } from "./problem.ts";
import { cutPage, matches, pageQuery, search, topicParam } from "./schemas.ts";
import {
  RouteSchema,
  TopicConsumersSchema,
  topicOffsetsQuery,
  TopicOffsetsSchema,
  TopicStatsSchema,
} from "./topic_schemas.ts";

const tags = ["Topics"];
const params = topicParam;

const getRoute = createRoute({
  method: "get",
  path: "/topics/{topic}/route",
  summary: "Which brokers serve a topic, as clients are told",
  tags,
  request: { params },
  responses: { 200: jsonContent(RouteSchema, "The route"), ...PROBLEMS },
});

const getStats = createRoute({
  method: "get",
  path: "/topics/{topic}/stats",
  summary: "The queues of a topic, and what comes in",
  tags,
  request: { params },
  responses: { 200: jsonContent(TopicStatsSchema, "Queues and traffic"), ...PROBLEMS },
});

const getConsumers = createRoute({
  method: "get",
  path: "/topics/{topic}/consumers",
  summary: "The groups of a topic, and how far they are",
  tags,
  request: { params, query: z.object({ ...pageQuery, search }) },
  responses: { 200: jsonContent(TopicConsumersSchema, "One page"), ...PROBLEMS },
});

const getOffsets = createRoute({
  method: "get",
  path: "/topics/{topic}/offsets",
  summary: "Which offsets a moment has, when an offset was stored, where the queues begin and end",
  tags,
  request: { params, query: topicOffsetsQuery },
  responses: { 200: jsonContent(TopicOffsetsSchema, "By queue"), ...PROBLEMS },
});

export function topicViewsApi({ admin }: ApiParts) {
  return apiArea()
    .openapi(getRoute, async (c) => {
      const { topic } = c.req.valid("param");
      const { brokerDatas, queueDatas, orderTopicConf } = await admin.route(topic);
      return c.json({
        topic,
        brokerDatas: brokerDatas.map(({ cluster, brokerName, brokerAddrs }) => (
          { cluster, brokerName, brokerAddrs: { ...brokerAddrs } }
        )),
        queueDatas: queueDatas.map((queue) => ({
          brokerName: queue.brokerName,
          readQueueNums: queue.readQueueNums,
          writeQueueNums: queue.writeQueueNums,
          perm: queue.perm,
          topicSysFlag: queue.topicSysFlag,
        })),
        ...(orderTopicConf ? { orderTopicConf } : {}),
      }, 200);
    })
    .openapi(getStats, async (c) => {
      const { topic } = await findTopic(admin, c.req.valid("param").topic);
      const { queues, put, putBytes, failures } = await topicStats(admin, topic);
      const shown = queues.map(({ topic: _, ...queue }) => ({
        ...queue,
        messageCount: queue.maxOffset - queue.minOffset,
      }));
      return c.json({
        topic: topic.topic,
        messageCount: shown.reduce((sum, { messageCount }) => sum + messageCount, 0),
        putTps: put.tps,
        putBytesPerSecond: putBytes.tps,
        putCountDay: put.sumDay,
        queues: shown,
        failures: [...failures],
      }, 200);
    })
    .openapi(getConsumers, async (c) => {
      const query = c.req.valid("query");
      const { topic } = await findTopic(admin, c.req.valid("param").topic);
      const { groups, failures } = await groupsOfTopic(admin, topic);
      const { items, ...page } = cutPage(groups.filter((g) => matches(g, query.search)), query);
      const consumers = await topicConsumers(admin, topic, items);
      return c.json({ ...page, items: consumers, failures: [...failures] }, 200);
    })
    .openapi(getOffsets, async (c) => {
      const { topic } = c.req.valid("param");
      const { timestamp, offset, brokerName, queueId } = c.req.valid("query");
      if (timestamp !== undefined && offset !== undefined) {
        throw problem(400, "Give a timestamp or an offset, not both");
      }
      const queues = (await readQueues(admin, topic)).filter((queue) =>
        (brokerName === undefined || queue.brokerName === brokerName) &&
        (queueId === undefined || queue.queueId === queueId)
      );
      if (queues.length === 0) throw problem(404, `The topic ${topic} has no such queue to read`);
      const { offsets, failures } = await queueOffsets(admin, queues, { timestamp, offset });
      return c.json({
        topic,
        ...(timestamp === undefined ? {} : { timestamp }),
        queues: offsets.map((found) => ({
          brokerName: found.queue.brokerName,
          queueId: found.queue.queueId,
          minOffset: found.minOffset,
          maxOffset: found.maxOffset,
          offset: found.offset,
          ...present("storeTimestamp", found.storeTimestamp),
          ...present("minTimestamp", found.minTimestamp),
          ...present("maxTimestamp", found.maxTimestamp),
        })),
        failures,
      }, 200);
    });
}

/** A field that is left out when there is nothing to say. */
function present<K extends string>(name: K, value: number | undefined): { [P in K]?: number } {
  return (value === undefined ? {} : { [name]: value }) as { [P in K]?: number };
}
