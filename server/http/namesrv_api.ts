/** What name servers keep: key-value pairs, of which the namespace ORDER_TOPIC_CONFIG has the queues of ordered topics. */

import { createRoute } from "@hono/zod-openapi";
import { kvDelete, kvGet, kvList, kvPut } from "../../client/admin/namesrv.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { keyParam, KvListSchema, KvValueSchema, namespaceParam } from "./cluster_schemas.ts";
import { problem, PROBLEMS } from "./problem.ts";

const tags = ["Name servers"];

const getList = createRoute({
  method: "get",
  path: "/kv/{namespace}",
  summary: "All values of a namespace",
  tags,
  request: { params: namespaceParam },
  responses: { 200: jsonContent(KvListSchema, "Values by key"), ...PROBLEMS },
});

const getValue = createRoute({
  method: "get",
  path: "/kv/{namespace}/{key}",
  summary: "One value",
  tags,
  request: { params: keyParam },
  responses: { 200: jsonContent(KvValueSchema, "The value"), ...PROBLEMS },
});

const putValue = createRoute({
  method: "put",
  path: "/kv/{namespace}/{key}",
  summary: "Set a value at every name server",
  tags,
  request: { params: keyParam, body: jsonBody(KvValueSchema) },
  responses: { 200: jsonContent(KvValueSchema, "The value"), ...PROBLEMS },
});

const removeValue = createRoute({
  method: "delete",
  path: "/kv/{namespace}/{key}",
  summary: "Take a value away at every name server",
  tags,
  request: { params: keyParam },
  responses: { 200: jsonContent(KvValueSchema, "The value as it was"), ...PROBLEMS },
});

export function namesrvApi(parts: ApiParts) {
  const { admin } = parts;
  const valueOrProblem = async ({ namespace, key }: { namespace: string; key: string }) => {
    const value = await kvGet(admin, namespace, key);
    if (value === undefined) throw problem(404, `There is no value ${key} in ${namespace}`);
    return value;
  };
  return apiArea()
    .openapi(getList, async (c) => {
      const { namespace } = c.req.valid("param");
      return c.json({ namespace, values: await kvList(admin, namespace) }, 200);
    })
    .openapi(getValue, async (c) => {
      return c.json({ value: await valueOrProblem(c.req.valid("param")) }, 200);
    })
    .openapi(putValue, async (c) => {
      const { namespace, key } = c.req.valid("param");
      const { value } = c.req.valid("json");
      const before = await kvGet(admin, namespace, key);
      await kvPut(admin, namespace, key, value);
      audit(parts, c, { action: "kv.put", target: `${namespace}/${key}`, before, after: value });
      return c.json({ value }, 200);
    })
    .openapi(removeValue, async (c) => {
      const { namespace, key } = c.req.valid("param");
      const value = await valueOrProblem({ namespace, key });
      await kvDelete(admin, namespace, key);
      audit(parts, c, { action: "kv.delete", target: `${namespace}/${key}`, before: value });
      return c.json({ value }, 200);
    });
}
