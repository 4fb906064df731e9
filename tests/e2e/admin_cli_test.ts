import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ADMIN_COMMANDS } from "../../server/admin_cli/admin_commands.ts";
import { runAdminCommand } from "../../server/admin_cli/admin_command_line.ts";
import { UPDATE_AND_CREATE_TOPIC_LIST } from "../../client/protocol/commands/admin_topic.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST } from "../../client/protocol/commands/admin_group.ts";
import { REGISTER_BROKER } from "../../client/protocol/commands/namesrv.ts";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { runCometAdminRows } from "../interop/admin_cli.ts";
import { ADMIN_ROWS } from "../interop/admin_rows.ts";
import { startAdminTarget } from "../interop/admin_target.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";

/** Runs a command in this process; gives its exit code and what it printed. */
async function run(args: string[]): Promise<{ code: number; out: string; errors: string }> {
  let out = "";
  let errors = "";
  const code = await runAdminCommand(args, {}, {
    out: { print: (text) => void (out += text), flush: () => {}, isClosed: false },
    error: (text) => void (errors += text),
  });
  return { code, out, errors };
}

/** Runs a command as a user does. */
async function runProgram(args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "admin", ...args],
    env,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), errors: text(stderr) };
}

const namesrvOf = (comet: Comet) => `127.0.0.1:${comet.namesrvPort}`;

Deno.test("every command of comet admin does what its row says", async () => {
  await using target = await startAdminTarget("Comet", Deno.makeTempDirSync());
  const failed: string[] = [];
  for await (const { name, failures } of runCometAdminRows(target)) {
    failed.push(...failures.map((failure) => `${name}: ${failure}`));
  }
  assertEquals(failed, []);
});

Deno.test("every command of comet admin has a row", () => {
  const rows = new Set(
    ADMIN_ROWS.filter(({ comet }) => comet !== undefined).map(({ command }) =>
      command.split(" ")[0]
    ),
  );
  assertEquals(Object.keys(ADMIN_COMMANDS).filter((name) => !rows.has(name)), []);
});

Deno.test("comet admin, as a program: table, JSON, exit codes", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  const env = { NAMESRV_ADDR: namesrvOf(comet) };
  const made = await runProgram(["updateTopic", "-t", "Made", "-r", "2", "-w", "2"], env);
  assertEquals([made.code, made.errors], [0, ""]);
  assertMatch(made.out, /^Broker +Address +Result\nbroker-a .*topic Made is set\n$/);
  const listed = await runProgram(["TOPICLIST", "--json", "-n", namesrvOf(comet)]);
  const topics = JSON.parse(listed.out) as { topic: string; readQueueNums: number }[];
  assertEquals(topics.find(({ topic }) => topic === "Made")?.readQueueNums, 2);
  const refused = await runProgram(["topicStatus", "-t", "None"], env);
  assertEquals([refused.code, refused.out], [1, ""]);
  assertStringIncludes(refused.errors, "TOPIC_NOT_EXIST");
  const mistaken = await runProgram(["topicList", "--jsn"], env);
  assertEquals([mistaken.code, mistaken.out], [2, ""]);
  assertStringIncludes(mistaken.errors, "did you mean --json?");
});

Deno.test("updateTopic leaves what is not given as it is", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  const at = ["-n", namesrvOf(comet)];
  await run(["updateTopic", "-t", "T", "-r", "3", "-w", "4", "-a", "+message.type=FIFO", ...at]);
  await run(["updateTopic", "-t", "T", "-r", "2", ...at]);
  const { out } = await run(["topicList", "--json", ...at]);
  const found = JSON.parse(out).find(({ topic }: { topic: string }) => topic === "T");
  const { readQueueNums, writeQueueNums, messageType } = found;
  assertEquals([readQueueNums, writeQueueNums, messageType], [2, 4, "FIFO"]);
});

Deno.test("--dry-run shows what would happen and changes nothing", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  for (let n = 0; n < 3; n++) await client.send("T", encodeUtf8(`${n}`));
  const at = ["-n", namesrvOf(comet)];
  await run(["updateSubGroup", "-g", "g", ...at]);
  await run(["skipAccumulatedMessage", "-g", "g", "-t", "T", ...at]);
  await run(["updateKvConfig", "-s", "N", "-k", "k", "-v", "v", ...at]);
  const commands = [
    ["resetOffsetByTime", "-g", "g", "-t", "T", "-s", "0"],
    ["resetOffsetByTime", "-g", "g", "-t", "T", "-q", "0", "-o", "1"],
    ["cloneGroupOffset", "-s", "g", "-d", "h", "-t", "T"],
    ["updateBrokerConfig", "-k", "brokerPermission", "-v", "4"],
    ["deleteKvConfig", "-s", "N", "-k", "k"],
    ["deleteSubGroup", "-g", "g"],
    ["deleteTopic", "-t", "T"],
    ["cleanUnusedTopic"],
  ];
  const state = async () => [
    (await run(["topicStatus", "-t", "T", ...at])).out,
    (await run(["consumerProgress", "-g", "g", "--json", ...at])).out,
    (await run(["getBrokerConfig", "-k", "brokerPermission", ...at])).out,
    (await run(["consumerProgress", ...at])).out,
  ];
  const before = await state();
  for (const command of commands) {
    const { code, out, errors } = await run([...command, "--dry-run", ...at]);
    assertEquals([code, errors], [0, ""], command.join(" "));
    assertMatch(out, /[Ww]ould/, command.join(" "));
  }
  assertEquals(await state(), before);
  assertStringIncludes(
    (await run(["deleteKvConfig", "-s", "N", "-k", "k", ...at])).out,
    "v → not set",
  );
  const all = Object.entries(ADMIN_COMMANDS).filter(([, { hasDryRun }]) => hasDryRun)
    .map(([name]) => name);
  assertEquals(
    all.filter((name) => /^(delete|clean|reset|skip)/.test(name)),
    Object.keys(ADMIN_COMMANDS).filter((name) => /^(delete|clean|reset|skip)/.test(name)),
  );
});

Deno.test("a broker that is not registered can be asked by its address, without a name server", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  const broker = `127.0.0.1:${comet.brokerPort}`;
  const { code, out } = await run(["haStatus", "-b", broker, "-n", "127.0.0.1:1"]);
  assertEquals(code, 0);
  assertStringIncludes(out, broker);
  const unreachable = await run(["topicList", "-n", "127.0.0.1:1"]);
  assertEquals(unreachable.code, 1);
  assertMatch(unreachable.errors, /Cannot reach 127\.0\.0\.1:1 .*-n/);
});

Deno.test("what several brokers do is told for each, also that one is not there", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  const namesrv = namesrvOf(comet);
  const flags = ["--namesrv", namesrv, "--set", "brokerName=broker-b", "--host", "127.0.0.1"];
  await using _other = await startComet(Deno.makeTempDirSync(), flags, "broker");
  const both = await run(["updateTopic", "-t", "T", "-n", namesrv]);
  assertEquals(both.code, 0, both.errors);
  assertMatch(both.out, /broker-a .*is set\nbroker-b .*is set/);
  await using client = new TestClient(comet.namesrvPort);
  await client.invoke(REGISTER_BROKER, {
    brokerName: "broker-c",
    brokerAddr: "127.0.0.1:1",
    clusterName: "DefaultCluster",
    brokerId: 0,
    haServerAddr: "",
  });
  const some = await run(["updateTopic", "-t", "T", "-w", "9", "-n", namesrv, "--json"]);
  assertEquals(some.code, 1);
  assertStringIncludes(some.errors, "broker-c 127.0.0.1:1: Cannot reach 127.0.0.1:1");
  const { brokers, failures } = JSON.parse(some.out);
  const names = (rows: { brokerName: string }[]) => rows.map(({ brokerName }) => brokerName);
  assertEquals(names(brokers), ["broker-a", "broker-b"]);
  assertEquals(names(failures), ["broker-c"]);
});

Deno.test("10,000 topics and 2,000 groups are listed well within a second", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  await using client = new TestClient(comet.brokerPort);
  const attributes = {};
  const topicConfigList = Array.from({ length: 10_000 }, (_, n) => ({
    topicName: `Topic${n}`,
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    attributes,
  }));
  const groupConfigList = Array.from({ length: 2_000 }, (_, n) => ({ groupName: `Group${n}` }));
  const body = (value: unknown) => encodeUtf8(JSON.stringify(value));
  await client.invoke(UPDATE_AND_CREATE_TOPIC_LIST, {}, body({ topicConfigList }), 60_000);
  await client.invoke(
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
    {},
    body({ groupConfigList }),
    60_000,
  );
  for (const [command, last] of [["topicList", "Topic9999"], ["consumerProgress", "Group1999"]]) {
    const started = performance.now();
    const { out } = await run([command!, "-n", namesrvOf(comet)]);
    const millis = performance.now() - started;
    assertStringIncludes(out, last!);
    assert(millis < 1_000, `${command} took ${millis} ms`);
  }
});
