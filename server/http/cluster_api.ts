/** The cluster and its brokers: figures, settings, and whether a broker takes messages. */

import { createRoute } from "@hono/zod-openapi";
import type { AdminClient, BrokerAddress } from "../../client/admin/admin_client.ts";
import { brokerConfig, brokerRuntimeInfo, updateBrokerConfig } from "../../client/admin/cluster.ts";
import { failureOf } from "../../client/admin/fan_out.ts";
import { setWritePerm } from "../../client/admin/namesrv.ts";
import { type BrokerRuntime, parseRuntimeInfo } from "../../client/admin/runtime_info.ts";
import { type SettingKey, SETTINGS } from "../config.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { CHANGEABLE_SETTINGS, checkedPatch, SettingsPatchSchema } from "./broker_settings.ts";
import {
  BrokerDetailSchema,
  brokerParam as params,
  brokerQuery,
  ClusterSchema,
  SettingsSchema,
  WritePermAnswerSchema,
  WritePermSchema,
} from "./cluster_schemas.ts";
import { problem, PROBLEMS } from "./problem.ts";

const tags = ["Cluster"];

const getCluster = createRoute({
  method: "get",
  path: "/cluster",
  summary: "The name servers and every broker that is registered, with its figures",
  tags,
  responses: { 200: jsonContent(ClusterSchema, "The cluster"), ...PROBLEMS },
});

const getBroker = createRoute({
  method: "get",
  path: "/brokers/{name}",
  summary: "What a broker says about itself",
  tags,
  request: { params, query: brokerQuery },
  responses: { 200: jsonContent(BrokerDetailSchema, "The broker"), ...PROBLEMS },
});

const getConfig = createRoute({
  method: "get",
  path: "/brokers/{name}/config",
  summary: "A broker's settings, and which of them can be changed here",
  tags,
  request: { params },
  responses: { 200: jsonContent(SettingsSchema, "Settings by name"), ...PROBLEMS },
});

const patchConfig = createRoute({
  method: "patch",
  path: "/brokers/{name}/config",
  summary: "Change settings of a broker while it runs: all of them, or none when one is refused",
  tags,
  request: { params, body: jsonBody(SettingsPatchSchema) },
  responses: { 200: jsonContent(SettingsSchema, "The settings as they are now"), ...PROBLEMS },
});

const putWritePerm = createRoute({
  method: "put",
  path: "/brokers/{name}/write-perm",
  summary: "Send producers away from a broker, or let them come back",
  tags,
  request: { params, body: jsonBody(WritePermSchema) },
  responses: { 200: jsonContent(WritePermAnswerSchema, "What has changed"), ...PROBLEMS },
});

export function clusterApi(parts: ApiParts) {
  const { admin } = parts;
  return apiArea()
    .openapi(getCluster, async (c) => {
      const brokers = await admin.brokers();
      const settled = await Promise.allSettled(brokers.map((broker) => runtimeOf(admin, broker)));
      const failures = settled.flatMap((result, index) =>
        result.status === "rejected" ? [failureOf(brokers[index]!, result.reason)] : []
      );
      const rows = brokers.map((broker, index) => {
        const result = settled[index]!;
        return result.status === "rejected" ? broker : { ...broker, runtime: result.value.runtime };
      });
      return c.json({
        nameServers: [...admin.nameServers],
        clusters: clustersOf(brokers),
        brokers: rows,
        failures,
      }, 200);
    })
    .openapi(getBroker, async (c) => {
      const { name } = c.req.valid("param");
      const { brokerId } = c.req.valid("query");
      const broker = (await admin.brokers()).find((known) =>
        known.brokerName === name && known.brokerId === brokerId
      );
      if (broker === undefined) throw problem(404, `No broker ${name}:${brokerId} is registered`);
      return c.json({ ...broker, ...await runtimeOf(admin, broker) }, 200);
    })
    .openapi(getConfig, async (c) => {
      const broker = await admin.master(c.req.valid("param").name);
      return c.json(settingsJson(broker, await brokerConfig(admin, broker.brokerAddr)), 200);
    })
    .openapi(patchConfig, async (c) => {
      const broker = await admin.master(c.req.valid("param").name);
      const before = await brokerConfig(admin, broker.brokerAddr);
      const changes = checkedPatch(c.req.valid("json"), before);
      await updateBrokerConfig(admin, broker.brokerAddr, changes);
      const after = await brokerConfig(admin, broker.brokerAddr);
      const of = (settings: Record<string, string>) =>
        Object.fromEntries(Object.keys(changes).map((key) => [key, settings[key]]));
      audit(parts, c, {
        action: "broker.config",
        target: broker.brokerName,
        before: of(before),
        after: of(after),
      });
      return c.json(settingsJson(broker, after), 200);
    })
    .openapi(putWritePerm, async (c) => {
      const { brokerName } = await admin.master(c.req.valid("param").name);
      const { writeable } = c.req.valid("json");
      const topicCount = await setWritePerm(admin, brokerName, writeable);
      audit(parts, c, {
        action: "broker.writePerm",
        target: brokerName,
        after: { writeable, topicCount },
      });
      return c.json({ brokerName, writeable, topicCount }, 200);
    });
}

async function runtimeOf(
  admin: AdminClient,
  { brokerAddr }: BrokerAddress,
): Promise<{ runtime: MutableRuntime; runtimeInfo: Record<string, string> }> {
  const runtimeInfo = await brokerRuntimeInfo(admin, brokerAddr);
  const runtime = parseRuntimeInfo(runtimeInfo);
  const { threadPools, delayLevels } = runtime;
  return {
    runtime: { ...runtime, threadPools: [...threadPools], delayLevels: [...delayLevels] },
    runtimeInfo,
  };
}

type MutableRuntime = Omit<BrokerRuntime, "threadPools" | "delayLevels"> & {
  threadPools: BrokerRuntime["threadPools"][number][];
  delayLevels: BrokerRuntime["delayLevels"][number][];
};

function clustersOf(brokers: readonly BrokerAddress[]) {
  const clusters = new Map<string, Set<string>>();
  for (const { clusterName, brokerName } of brokers) {
    clusters.set(clusterName, (clusters.get(clusterName) ?? new Set()).add(brokerName));
  }
  return [...clusters].map(([clusterName, names]) => ({ clusterName, brokerNames: [...names] }));
}

/** Settings by name; what Comet knows is told with what it means. */
function settingsJson(
  { brokerName, brokerAddr }: BrokerAddress,
  settings: Readonly<Record<string, string>>,
) {
  const names = Object.keys(settings).sort();
  return {
    brokerName,
    brokerAddr,
    settings: names.map((name) => ({
      name,
      value: settings[name]!,
      changeable: CHANGEABLE_SETTINGS.has(name),
      ...descriptionOf(name),
    })),
  };
}

function descriptionOf(name: string) {
  if (!Object.hasOwn(SETTINGS, name)) return {};
  const { description, expected, fallback } = SETTINGS[name as SettingKey];
  return { description, expected, default: String(fallback) };
}
