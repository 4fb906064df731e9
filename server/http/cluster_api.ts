/** The cluster and its brokers. */

import { createRoute, z } from "@hono/zod-openapi";
import { brokerConfig, brokerRuntimeInfo } from "../../client/admin/cluster.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { PROBLEMS } from "./problem.ts";

const BrokerSchema = z.object({
  clusterName: z.string(),
  brokerName: z.string(),
  /** 0 for a master. */
  brokerId: z.number().int(),
  brokerAddr: z.string(),
}).openapi("Broker");

const ClusterSchema = z.object({
  nameServers: z.array(z.string()),
  brokers: z.array(BrokerSchema),
}).openapi("Cluster");

const TextsSchema = z.record(z.string(), z.string());
const brokerName = z.object({ name: z.string().min(1).max(255) });

const getCluster = createRoute({
  method: "get",
  path: "/cluster",
  summary: "The name servers and every broker that is registered",
  tags: ["Cluster"],
  responses: { 200: jsonContent(ClusterSchema, "The cluster"), ...PROBLEMS },
});

const getBroker = createRoute({
  method: "get",
  path: "/brokers/{name}",
  summary: "What a broker's master says about itself",
  tags: ["Cluster"],
  request: { params: brokerName },
  responses: {
    200: jsonContent(BrokerSchema.extend({ runtimeInfo: TextsSchema }), "The broker"),
    ...PROBLEMS,
  },
});

const getBrokerConfig = createRoute({
  method: "get",
  path: "/brokers/{name}/config",
  summary: "A broker's settings",
  tags: ["Cluster"],
  request: { params: brokerName },
  responses: { 200: jsonContent(TextsSchema, "Settings by name"), ...PROBLEMS },
});

export function clusterApi({ admin }: ApiParts) {
  return apiArea()
    .openapi(getCluster, async (c) => {
      return c.json({ nameServers: [...admin.nameServers], brokers: await admin.brokers() }, 200);
    })
    .openapi(getBroker, async (c) => {
      const broker = await admin.master(c.req.valid("param").name);
      const runtimeInfo = await brokerRuntimeInfo(admin, broker.brokerAddr);
      return c.json({ ...broker, runtimeInfo }, 200);
    })
    .openapi(getBrokerConfig, async (c) => {
      const { brokerAddr } = await admin.master(c.req.valid("param").name);
      return c.json(await brokerConfig(admin, brokerAddr), 200);
    });
}
