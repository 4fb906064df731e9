/** A cluster's topics, groups and settings as one document, out and in. */

import { createRoute, z } from "@hono/zod-openapi";
import { brokerConfig } from "../../client/admin/cluster.ts";
import {
  type Definitions,
  exportDefinitions,
  type GroupDefinition,
  importDefinitions,
} from "../../client/admin/definitions.ts";
import { apiArea, type ApiParts, jsonBody, jsonContent } from "./api_route.ts";
import { audit } from "./audit.ts";
import { CHANGEABLE_SETTINGS, checkedPatch } from "./broker_settings.ts";
import { asGroupSettings, GroupUpdateSchema } from "./group_schemas.ts";
import { PROBLEMS } from "./problem.ts";
import { brokerChoice, flag, groupName, serverName, topicName } from "./schemas.ts";
import { topicDefinitionFields } from "./topic_schemas.ts";

const tags = ["Definitions"];
const DEFINITIONS_MAX = 100_000;
/** Only on these brokers; on all of them when it is left out. */
const brokerNames = brokerChoice.brokerNames;

const DefinitionsSchema = z.strictObject({
  version: z.literal(1),
  topics: z.array(z.strictObject({ topic: topicName, ...topicDefinitionFields, brokerNames }))
    .max(DEFINITIONS_MAX),
  groups: z.array(z.strictObject({ group: groupName, ...GroupUpdateSchema.shape, brokerNames }))
    .max(DEFINITIONS_MAX),
  settings: z.record(serverName, z.record(z.string(), z.string().max(255))).describe(
    "By broker name; those that can be changed over HTTP",
  ),
}).openapi("Definitions");

const ImportAnswerSchema = z.object({
  dryRun: z.boolean(),
  created: z.number().int(),
  updated: z.number().int(),
  unchanged: z.number().int(),
  failed: z.number().int(),
  /** Everything but what is unchanged. */
  changes: z.array(z.object({
    kind: z.enum(["topic", "group", "settings"]),
    name: z.string(),
    action: z.enum(["create", "update", "unchanged", "failed"]),
    detail: z.string().optional(),
  })),
}).openapi("ImportAnswer");

const getDefinitions = createRoute({
  method: "get",
  path: "/definitions",
  summary: "Export topics, groups and settings",
  tags,
  responses: { 200: jsonContent(DefinitionsSchema, "The document"), ...PROBLEMS },
});

const postDefinitions = createRoute({
  method: "post",
  path: "/definitions",
  summary: "Import topics, groups and settings; nothing is deleted",
  tags,
  request: {
    query: z.object({ dryRun: flag(false) }),
    body: jsonBody(DefinitionsSchema),
  },
  responses: { 200: jsonContent(ImportAnswerSchema, "What was done"), ...PROBLEMS },
});

export function definitionsApi(parts: ApiParts) {
  const { admin } = parts;
  return apiArea()
    .openapi(getDefinitions, async (c) => {
      const names = new Set(CHANGEABLE_SETTINGS.keys());
      const { definitions } = await exportDefinitions(admin, names);
      return c.json(definitionsJson(definitions), 200);
    })
    .openapi(postDefinitions, async (c) => {
      const { dryRun } = c.req.valid("query");
      const { topics, groups, settings } = c.req.valid("json");
      for (const [brokerName, values] of Object.entries(settings)) {
        const broker = (await admin.masters()).find((known) => known.brokerName === brokerName);
        if (broker === undefined) continue;
        checkedPatch(values, await brokerConfig(admin, broker.brokerAddr));
      }
      const definitions = {
        version: 1,
        topics,
        groups: groups.map(({ group, brokerNames, ...rest }): GroupDefinition => (
          { group, brokerNames, ...asGroupSettings(rest) }
        )),
        settings,
      } as const;
      const all = await importDefinitions(admin, definitions, dryRun);
      const changes = all.filter(({ action }) => action !== "unchanged")
        .map(({ detail, ...change }) => detail === undefined ? change : { ...change, detail });
      if (!dryRun && changes.length > 0) {
        audit(parts, c, { action: "definitions.import", target: "cluster", after: changes });
      }
      const count = (wanted: string) => all.filter(({ action }) => action === wanted).length;
      return c.json({
        dryRun,
        created: count("create"),
        updated: count("update"),
        unchanged: count("unchanged"),
        failed: count("failed"),
        changes,
      }, 200);
    });
}

/** The same for the schema's types, which know nothing that is read-only. */
function definitionsJson(definitions: Definitions): z.infer<typeof DefinitionsSchema> {
  return structuredClone(definitions) as z.infer<typeof DefinitionsSchema>;
}
