/** Brokers and name servers as the API answers them. */

import { z } from "@hono/zod-openapi";
import { BrokerSchema, failures, long, serverName, wholeNumber } from "./schemas.ts";

const RatesSchema = z.object({
  tenSeconds: z.number(),
  minute: z.number(),
  tenMinutes: z.number(),
}).openapi("Rates");

const counts = z.object({ yesterday: long, today: long });

const RuntimeSchema = z.object({
  version: z.string(),
  active: z.boolean(),
  bootTimestamp: long,
  putTps: RatesSchema.describe("Each second"),
  getFoundTps: RatesSchema,
  getMissTps: RatesSchema,
  getTransferredTps: RatesSchema,
  putCount: counts,
  getCount: counts,
  putMessageAverageSize: z.number(),
  putLatency99: z.number().describe("Milliseconds; 0 where the broker does not say"),
  putLatency999: z.number(),
  commitLogMinOffset: long,
  commitLogMaxOffset: long,
  commitLogDiskRatio: z.number().describe("How full the disk is, from 0 to 1"),
  dispatchBehindBytes: long,
  earliestMessageTimeStamp: long,
  threadPools: z.array(z.object({
    name: z.string(),
    queueSize: long,
    queueCapacity: long,
    headWaitTimeMillis: long,
  })),
  delayLevels: z.array(z.object({ level: long, delayOffset: long, maxOffset: long })),
}).openapi("BrokerRuntime");

export const ClusterSchema = z.object({
  nameServers: z.array(z.string()),
  clusters: z.array(z.object({ clusterName: z.string(), brokerNames: z.array(z.string()) })),
  brokers: z.array(BrokerSchema.extend({ runtime: RuntimeSchema.optional() })).describe(
    "`runtime` is absent for a broker that is among the failures",
  ),
  failures,
}).openapi("Cluster");

export const brokerParam = z.object({ name: serverName });

export const BrokerDetailSchema = BrokerSchema.extend({
  runtime: RuntimeSchema,
  runtimeInfo: z.record(z.string(), z.string()).describe("All that the broker says, as it says it"),
}).openapi("BrokerDetail");

export const brokerQuery = z.object({
  brokerId: wholeNumber().default(0).describe("0 for the master, which is meant without it"),
});

export const SettingsSchema = z.object({
  brokerName: z.string(),
  brokerAddr: z.string(),
  settings: z.array(z.object({
    name: z.string(),
    value: z.string(),
    changeable: z.boolean().describe("Whether it can be changed over HTTP"),
    description: z.string().optional(),
    expected: z.string().optional().describe("What a good value is"),
    default: z.string().optional().describe("What it is when nobody says otherwise, for Comet"),
  })),
}).openapi("BrokerSettings");

export const WritePermSchema = z.object({ writeable: z.boolean() }).openapi("WritePerm");
export const WritePermAnswerSchema = z.object({
  brokerName: z.string(),
  writeable: z.boolean(),
  topicCount: long.describe("Topics whose routes have changed"),
}).openapi("WritePermAnswer");

const kvWord = z.string().min(1).max(255).regex(/^[%|\w.:-]+$/);
export const namespaceParam = z.object({ namespace: kvWord });
export const keyParam = z.object({ namespace: kvWord, key: kvWord });
export const KvValueSchema = z.object({ value: z.string().max(10_000) }).openapi("KvValue");
export const KvListSchema = z.object({
  namespace: z.string(),
  values: z.record(z.string(), z.string()),
}).openapi("KvList");
