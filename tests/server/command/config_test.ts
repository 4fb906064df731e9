import { assert, assertEquals } from "@std/assert";
import { parseCommandLine, resolveConfig, settingEntries } from "../../../server/command_line.ts";
import { effectiveSettings, sampleFile } from "../../../server/command/config_command.ts";
import { applySettings, defaultConfig, SETTINGS } from "../../../server/config.ts";
import { parseProperties } from "../../../server/properties.ts";

Deno.test("effectiveSettings() names the source that counts for each setting", () => {
  const environment = { COMET_BROKER_NAME: "env", COMET_BROKER_CLUSTER_NAME: "env" };
  const args = ["-c", "b.conf", "--broker-port", "1001", "--set", "brokerName=flag"];
  const command = parseCommandLine(args, environment);
  assert(command.kind === "run");
  const text = "brokerName=file\nbrokerClusterName=file\n\nfileReservedTime=48";
  const { config } = resolveConfig(command, text);
  const settings = effectiveSettings(config, settingEntries(command, text));
  assertEquals(settings.map(({ key }) => key), Object.keys(SETTINGS));
  assertEquals(settings.filter(({ source }) => source !== "default"), [
    { key: "brokerClusterName", value: "env", source: "COMET_BROKER_CLUSTER_NAME" },
    { key: "brokerName", value: "flag", source: "--set" },
    { key: "listenPort", value: 1001, source: "--broker-port" },
    { key: "fileReservedTime", value: 48, source: "b.conf:4" },
  ]);
});

Deno.test("sampleFile() changes nothing as it is, nor with every line in force", () => {
  assertEquals(parseProperties(sampleFile(), "sample"), []);
  const inForce = sampleFile().replace(/^#(?=\w+=)/gm, "");
  const config = defaultConfig();
  const entries = parseProperties(inForce, "sample");
  assertEquals(applySettings(config, entries), []);
  assertEquals(entries.map(({ key }) => key), Object.keys(SETTINGS));
  assertEquals(config, defaultConfig());
});
