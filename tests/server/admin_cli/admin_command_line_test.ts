import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { RemotingError } from "../../../client/protocol/response_code.ts";
import { ADMIN_COMMANDS, mqadminStates } from "../../../server/admin_cli/admin_commands.ts";
import {
  commandFlags,
  problemText,
  runAdminCommand,
} from "../../../server/admin_cli/admin_command_line.ts";
import { UsageError } from "../../../server/flags.ts";
import { ADMIN_ROWS } from "../../interop/admin_rows.ts";

async function run(args: string[], environment: Record<string, string> = {}) {
  let out = "";
  let errors = "";
  const code = await runAdminCommand(args, environment, {
    out: { print: (text) => void (out += text), flush: () => {}, isClosed: false },
    error: (text) => void (errors += text),
  });
  return { code, out, errors };
}

async function mistake(...args: string[]): Promise<string> {
  return (await assertRejects(() => run(args), UsageError)).message;
}

Deno.test("comet admin --help lists every command, and help tells of one", async () => {
  const { code, out } = await run(["--help"]);
  assertEquals(code, 0);
  for (const name of Object.keys(ADMIN_COMMANDS)) assertStringIncludes(out, `  ${name} `);
  assertEquals(await run([]), { code, out, errors: "" });
  const help = (await run(["help", "deletetopic"])).out;
  assertMatch(help, /^comet admin deleteTopic -t TOPIC \[FLAGS\]: /);
  assertMatch(help, /-t, --topic TOPIC +the topic's name/);
  assertStringIncludes(help, "--dry-run");
  assertEquals((await run(["deleteTopic", "--help"])).out, help);
});

Deno.test("comet admin says what is wrong with a command line", async () => {
  assertEquals(
    await mistake("topicsList"),
    'unknown command "topicsList"; did you mean "topicList"?',
  );
  assertEquals(await mistake("zzz"), 'unknown command "zzz"; comet admin --help lists them');
  assertEquals(await mistake("topicRoute"), "--topic is missing: -t TOPIC, the topic's name");
  assertEquals(await mistake("topicRoute", "-t"), "--topic needs a value: --topic TOPIC");
  assertStringIncludes(await mistake("topicRoute", "--tpic", "a"), "did you mean --topic?");
  assertEquals(
    await mistake("topicList", "--dry-run"),
    "unknown flag --dry-run; comet admin topicList --help lists the flags",
  );
  assertEquals(await mistake("topicList", "more"), 'unexpected argument "more"');
  assertStringIncludes(await mistake("topicList", "-n", "10.0.0.1"), "expected host:port");
  assertEquals(
    await mistake("updateTopic", "-t", "T", "-r", "many"),
    '--readQueueNums is a whole number of at least 0, not "many"',
  );
  assertStringIncludes(await mistake("updateTopic", "-t", "T", "-a", "a=b"), "+name=value");
  assertStringIncludes(await mistake("printMsg", "-t", "T", "-b", "soon"), "2026-01-31#23:59:59");
  assertStringIncludes(await mistake("updateTopicList", "-f", "/nowhere/x.json"), "cannot read");
});

Deno.test("commands without a meaning here are answered with the reason", async () => {
  for (const [name, row] of mqadminStates()) {
    if (row.state === "served" || Object.hasOwn(ADMIN_COMMANDS, name)) continue;
    const { code, out, errors } = await run([name]);
    assertEquals([code, out, errors], [1, "", `comet admin ${name}: ${row.reason}`]);
  }
});

Deno.test("no two flags of a command have the same letter", () => {
  for (const [name, command] of Object.entries(ADMIN_COMMANDS)) {
    const letters = Object.values(commandFlags(command)).flatMap(({ letter }) => letter ?? []);
    assertEquals(letters.length, new Set(letters).size, name);
  }
});

Deno.test("every command of mqadmin that Comet answers is run against it, and checked", () => {
  const run = new Set(ADMIN_ROWS.map(({ command }) => command.split(" ")[0]!));
  const missing = mqadminStates().filter(([name, { state }]) =>
    state !== "later" && !run.has(name) && !LOCAL.has(name)
  );
  assertEquals(missing.map(([name]) => name), []);
});

/** They only read files of RocksDB, or need a static topic, which there cannot be. */
const LOCAL = new Set(["exportMetadataInRocksDB", "remappingStaticTopic"]);

Deno.test("problems are told in one line with their code", () => {
  assertEquals(
    problemText(new RemotingError(17, "no such topic")),
    "no such topic (TOPIC_NOT_EXIST)",
  );
  assertEquals(problemText(new Error("x")), "x");
});
