/** `comet admin`: writing down what a cluster has, in the form of mqadmin's files. */

import { exportConfigs, exportMetadata, exportMetrics } from "../../client/admin/export.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { required, text, toggle } from "./admin_flags.ts";
import { type AdminOutput, textOutput } from "./admin_output.ts";
import { BROKER_FLAGS, brokersToAsk } from "./broker_choice.ts";

const area = "Export";
const filePath = text("f", "FOLDER", "write the file into this folder; printed without it");
const clusterName = required(BROKER_FLAGS.clusterName);

export const EXPORT_COMMANDS = {
  exportMetadata: adminCommand({
    area,
    help: "write topics and groups to metadata.json",
    flags: {
      ...BROKER_FLAGS,
      filePath,
      topic: toggle("t", "only topics, to topic.json"),
      subscriptionGroup: toggle("g", "only groups, to subscriptionGroup.json"),
      specialTopic: toggle("s", "also retry topics and dead letters"),
    },
    async run(context, { filePath, topic, subscriptionGroup, specialTopic, ...where }) {
      const only = topic !== subscriptionGroup;
      const metadata = await exportMetadata(context.admin, {
        brokers: await brokersToAsk(context, where),
        topics: topic || !only,
        groups: subscriptionGroup || !only,
        specialTopics: specialTopic,
        now: context.now(),
      });
      const name = only ? topic ? "topic.json" : "subscriptionGroup.json" : "metadata.json";
      return await written(context, filePath, name, metadata);
    },
  }),
  exportConfigs: adminCommand({
    area,
    help: "write the settings of a cluster's brokers to configs.json",
    flags: { clusterName, filePath },
    run: async (context, { clusterName, filePath }) =>
      written(context, filePath, "configs.json", await exportConfigs(context.admin, clusterName)),
  }),
  exportMetrics: adminCommand({
    area,
    help: "write the figures of a cluster's brokers to metrics.json",
    flags: { clusterName, filePath },
    run: async (context, { clusterName, filePath }) =>
      written(context, filePath, "metrics.json", await exportMetrics(context.admin, clusterName)),
  }),
};

async function written(
  { writeTextFile }: AdminContext,
  folder: string | undefined,
  name: string,
  data: Record<string, unknown>,
): Promise<AdminOutput> {
  const document = `${JSON.stringify(data, null, 2)}\n`;
  if (folder === undefined) return textOutput(data, document);
  const path = `${folder}/${name}`;
  await writeTextFile(path, document);
  return textOutput({ path, ...data }, `${path} is written\n`);
}
