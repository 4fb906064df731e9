/** `comet admin`: name servers. What is changed is changed at each of them, since they do not tell each other. */

import { kvDelete, kvGet, kvPut, setWritePerm } from "../../client/admin/namesrv.ts";
import { fanOut } from "../../client/admin/fan_out.ts";
import { namesrvConfig, updateNamesrvConfig } from "../../client/admin/namesrv_config.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { required, text } from "./admin_flags.ts";
import {
  type AdminOutput,
  changeOutput,
  partsOutput,
  recordOutput,
  textOutput,
} from "./admin_output.ts";

const area = "Name servers";
const namespace = required(text("s", "NAMESPACE", "the namespace"));
const key = required(text("k", "KEY", "the key"));
const brokerName = required(text("b", "BROKER", "the broker's name"));

export const NAMESRV_COMMANDS = {
  updateKvConfig: adminCommand({
    area,
    help: "set a value that is kept by the name servers",
    flags: { namespace, key, value: required(text("v", "VALUE", "the value")) },
    async run({ admin }, { namespace, key, value }) {
      const before = await kvGet(admin, namespace, key);
      await kvPut(admin, namespace, key, value);
      return kvOutput(namespace, key, before, value, "");
    },
  }),
  deleteKvConfig: adminCommand({
    area,
    help: "take a value away that is kept by the name servers",
    hasDryRun: true,
    flags: { namespace, key },
    async run({ admin, isDryRun }, { namespace, key }) {
      const before = await kvGet(admin, namespace, key);
      if (!isDryRun) await kvDelete(admin, namespace, key);
      return kvOutput(namespace, key, before, undefined, isDryRun ? "would change " : "");
    },
  }),
  wipeWritePerm: adminCommand({
    area,
    help: "take producers away from a broker",
    flags: { brokerName },
    run: ({ admin }, { brokerName }) => writePerm(admin, brokerName, false),
  }),
  addWritePerm: adminCommand({
    area,
    help: "give producers back to a broker",
    flags: { brokerName },
    run: ({ admin }, { brokerName }) => writePerm(admin, brokerName, true),
  }),
  getNamesrvConfig: adminCommand({
    area,
    help: "show the settings of each name server",
    flags: {},
    async run(context) {
      const { answers, failures } = await fanOut(
        nameServers(context),
        ({ brokerAddr }) => namesrvConfig(context.admin, brokerAddr),
      );
      const parts = answers.map(({ broker: { brokerAddr }, value }) =>
        [brokerAddr, {
          ...recordOutput({ "Name server": brokerAddr, ...value }),
          data: value,
        }] as const
      );
      return { ...partsOutput(Object.fromEntries(parts)), failures };
    },
  }),
  updateNamesrvConfig: adminCommand({
    area,
    help: "change a setting of Apache's name servers; Comet's change with a restart",
    flags: { key, value: required(text("v", "VALUE", "the value")) },
    async run(context, { key, value }) {
      const result = await fanOut(
        nameServers(context),
        ({ brokerAddr }) => updateNamesrvConfig(context.admin, brokerAddr, key, value),
      );
      return changeOutput(result, `${key} is set to ${value}`, { key, value });
    },
  }),
};

/** Name servers in the place of brokers, for what is asked of each. */
function nameServers({ admin }: AdminContext) {
  return admin.nameServers.map((brokerAddr) => ({
    clusterName: "",
    brokerName: "name server",
    brokerId: 0,
    brokerAddr,
  }));
}

async function writePerm(
  admin: AdminContext["admin"],
  brokerName: string,
  isWriteable: boolean,
): Promise<AdminOutput> {
  const topicCount = await setWritePerm(admin, brokerName, isWriteable);
  const what = isWriteable ? "can be written again" : "cannot be written any more";
  const data = { brokerName, isWriteable, topicCount };
  return textOutput(data, `${topicCount} topics of ${brokerName} ${what}\n`);
}

function kvOutput(
  namespace: string,
  key: string,
  before: string | undefined,
  after: string | undefined,
  would: string,
): AdminOutput {
  const data = { namespace, key, before: before ?? null, after: after ?? null };
  const text = `${would}${namespace} ${key}: ${before ?? "not set"} → ${after ?? "not set"}\n`;
  return textOutput(data, text);
}
