/** Who is connected: all clients, and the producers of a group. */

import { createRoute, z } from "@hono/zod-openapi";
import { clientRates, type ClusterClient, listClients } from "../../client/admin/all_clients.ts";
import { type Client, listProducers, producerConnections } from "../../client/admin/clients.ts";
import { compareText } from "../../client/protocol/message_queue.ts";
import { apiArea, type ApiParts, jsonContent } from "./api_route.ts";
import { ClientSchema } from "./group_schemas.ts";
import { PROBLEMS } from "./problem.ts";
import {
  cutPage,
  failures,
  flag,
  groupName,
  matches,
  pageOf,
  pageQuery,
  search,
  sortBy,
  sortQuery,
} from "./schemas.ts";

const tags = ["Clients"];

const ClientPageSchema = pageOf(ClientSchema.extend({
  producerGroups: z.array(z.string()),
  consumerGroups: z.array(z.string()),
  /** What a consumer says it does each second; with `rates=true`, from those that say it. */
  rates: z.object({
    pullTps: z.number(),
    consumeOkTps: z.number(),
    consumeFailedTps: z.number(),
  }).optional(),
})).openapi("ClientPage");

const clientsQuery = z.object({
  ...pageQuery,
  /** In the id, the address or a group. */
  search,
  role: z.enum(["producer", "consumer"]).optional(),
  rates: flag(false).describe("Whether the consumers of the page are asked what they do"),
  sort: sortQuery(["clientId", "language", "version"]),
});

const getClients = createRoute({
  method: "get",
  path: "/clients",
  summary: "Producers and consumers that are connected",
  tags,
  request: { query: clientsQuery },
  responses: { 200: jsonContent(ClientPageSchema, "One page"), ...PROBLEMS },
});

const ProducerPageSchema = pageOf(z.object({
  producerGroup: z.string(),
  clientCount: z.number().int(),
})).openapi("ProducerPage");

const getProducers = createRoute({
  method: "get",
  path: "/producers",
  summary: "Groups of producers that are connected",
  tags,
  request: { query: z.object({ ...pageQuery, search }) },
  responses: { 200: jsonContent(ProducerPageSchema, "One page"), ...PROBLEMS },
});

const ProducerGroupSchema = z.object({
  producerGroup: z.string(),
  clients: z.array(ClientSchema),
  failures,
}).openapi("ProducerGroup");

const getProducerGroup = createRoute({
  method: "get",
  path: "/producers/{group}",
  summary: "The members of a group of producers; a group of which nobody is there has none",
  tags,
  request: { params: z.object({ group: groupName }) },
  responses: { 200: jsonContent(ProducerGroupSchema, "Its members"), ...PROBLEMS },
});

export function clientsApi({ admin }: ApiParts) {
  return apiArea()
    .openapi(getClients, async (c) => {
      const query = c.req.valid("query");
      const { clients, failures } = await listClients(admin);
      const found = clients.filter((client) => isWanted(client, query));
      const { items, ...page } = cutPage(sortBy(found, query.sort, SORT_FIELDS), query);
      const rates = query.rates
        ? await clientRates(admin, items, await admin.masters())
        : new Map<string, never>();
      const rows = items.map((client) => {
        const rate = rates.get(client.clientId);
        return {
          ...mutable(client),
          producerGroups: [...client.producerGroups],
          consumerGroups: [...client.consumerGroups],
          ...(rate === undefined ? {} : { rates: rate }),
        };
      });
      return c.json({ ...page, items: rows, failures: [...failures] }, 200);
    })
    .openapi(getProducers, async (c) => {
      const query = c.req.valid("query");
      const { producers, failures } = await listProducers(admin);
      const rows = [...producers].filter(([group]) => matches(group, query.search))
        .map(([producerGroup, clients]) => ({ producerGroup, clientCount: clients.length }))
        .sort((a, b) => compareText(a.producerGroup, b.producerGroup));
      return c.json({ ...cutPage(rows, query), failures: [...failures] }, 200);
    })
    .openapi(getProducerGroup, async (c) => {
      const producerGroup = c.req.valid("param").group;
      const { clients, failures } = await producerConnections(admin, producerGroup);
      return c.json(
        { producerGroup, clients: clients.map(mutable), failures: [...failures] },
        200,
      );
    });
}

const SORT_FIELDS = {
  clientId: ({ clientId }: ClusterClient) => clientId,
  language: ({ language }: ClusterClient) => language,
  version: ({ version }: ClusterClient) => version,
};

function isWanted(
  { clientId, clientAddr, producerGroups, consumerGroups }: ClusterClient,
  { search, role }: { search?: string | undefined; role?: string | undefined },
): boolean {
  if (role === "producer" && producerGroups.length === 0) return false;
  if (role === "consumer" && consumerGroups.length === 0) return false;
  return [clientId, clientAddr, ...producerGroups, ...consumerGroups]
    .some((text) => matches(text, search));
}

/** The same for the schema's types, which know nothing that is read-only. */
function mutable({ clientId, clientAddr, language, version, brokerNames }: Client) {
  return { clientId, clientAddr, language, version, brokerNames: [...brokerNames] };
}
