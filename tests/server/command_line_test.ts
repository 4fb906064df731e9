import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  helpText,
  parseCommandLine,
  resolveConfig,
  UsageError,
} from "../../server/command_line.ts";
import type { RunCommand } from "../../server/command_line.ts";
import { defaultConfig, SETTINGS } from "../../server/config.ts";
import { environmentName } from "../../server/config_environment.ts";
import { ConfigError } from "../../server/properties.ts";

type Environment = Record<string, string>;

/** The command of a line as one types it, without quotes. */
function run(line: string, environment: Environment = {}): RunCommand {
  const command = parseCommandLine(line.split(" ").filter((word) => word !== ""), environment);
  assert(command.kind === "run");
  return command;
}

function configOf(line: string, environment: Environment = {}, fileText?: string) {
  return resolveConfig(run(line, environment), fileText).config;
}

function usageMistake(args: string[]): string {
  const error = assertThrows(() => parseCommandLine(args, {}), UsageError);
  assertEquals(error.message.includes("\n"), false, "one line");
  return error.message;
}

Deno.test("parseCommandLine() serves everything when nothing is said", () => {
  assertEquals(run(""), {
    kind: "run",
    role: "serve",
    configFile: undefined,
    environment: [],
    flags: [],
    warnings: [],
  });
  assertEquals(configOf(""), defaultConfig());
});

Deno.test("parseCommandLine() takes a role before or after flags", () => {
  assertEquals(run("namesrv").role, "namesrv");
  assertEquals(run("serve").role, "serve");
  assertEquals(run("-n 10.0.0.1:9876 broker").role, "broker");
});

Deno.test("parseCommandLine() drops the -- that a task hands on", () => {
  assertEquals(configOf("serve -- --http-port 1").httpPort, 1);
  assertEquals(run("-- broker").role, "broker");
});

Deno.test("parseCommandLine() leaves everything behind a tool to it", () => {
  const args = ["verify", "--json", "DIR"];
  assertEquals(parseCommandLine(["store", ...args], {}), { kind: "tool", tool: "store", args });
});

Deno.test("parseCommandLine() hands help about a tool to it, and takes help about a role for its own", () => {
  const help = (...args: string[]) => parseCommandLine(["help", ...args], {});
  assertEquals(help("doctor"), { kind: "tool", tool: "doctor", args: ["--help"] });
  assertEquals(help("broker"), { kind: "help" });
  assertEquals(
    assertThrows(() => help("doktor"), UsageError).message,
    'unknown role "doktor"; did you mean "doctor"?',
  );
});

Deno.test("parseCommandLine() answers help and version before anything else", () => {
  for (const line of ["--help", "-h", "help", "broker --help", "nonsense -h"]) {
    assertEquals(parseCommandLine(line.split(" "), {}), { kind: "help" });
  }
  for (const line of ["--version", "-v"]) {
    assertEquals(parseCommandLine([line], {}), { kind: "version" });
  }
});

Deno.test("parseCommandLine() takes every flag", () => {
  const line =
    "broker --data /srv/mq -c conf/broker.conf --namesrv a:1;b:2 --host mq.example.com " +
    "--namesrv-port 1001 --broker-port 1004 --http-port=1005 --set brokerName=b --set brokerId=1";
  assertEquals(run(line).configFile, "conf/broker.conf");
  assertEquals(configOf(line), {
    ...defaultConfig(),
    storePathRootDir: "/srv/mq",
    namesrvAddr: "a:1;b:2",
    brokerIP1: "mq.example.com",
    namesrvPort: 1001,
    listenPort: 1004,
    httpPort: 1005,
    brokerName: "b",
    brokerId: 1,
  });
});

Deno.test("parseCommandLine() takes short flags and equal signs", () => {
  assertEquals(configOf("-n a:1").namesrvAddr, "a:1");
  assertEquals(run("--config=x.conf").configFile, "x.conf");
  assertEquals(configOf("--set=messageDelayLevel=1s").messageDelayLevel, "1s");
});

Deno.test("parseCommandLine() keeps equal signs and spaces in the value of --set", () => {
  const args = ["--set", "storePathRootDir=/a=b", "--set", "messageDelayLevel = 1s 5s"];
  const command = parseCommandLine(args, {});
  assert(command.kind === "run");
  const { config } = resolveConfig(command);
  assertEquals([config.storePathRootDir, config.messageDelayLevel], ["/a=b", "1s 5s"]);
});

Deno.test("parseCommandLine() allows port 0 for every port", () => {
  const config = configOf("--namesrv-port 0 --broker-port 0 --http-port 0");
  assertEquals([config.namesrvPort, config.listenPort, config.httpPort], [0, 0, 0]);
});

Deno.test("parseCommandLine() refuses unknown flags", () => {
  assertEquals(usageMistake(["--dta", "x"]), "unknown flag --dta; did you mean --data?");
  assertEquals(
    usageMistake(["--brokerport=1"]),
    "unknown flag --brokerport; did you mean --broker-port?",
  );
  assertEquals(usageMistake(["--colour"]), "unknown flag --colour; comet --help lists the flags");
  assertEquals(usageMistake(["-x"]), "unknown flag -x; comet --help lists the flags");
});

Deno.test("parseCommandLine() refuses a flag without its value", () => {
  assertEquals(usageMistake(["--data"]), "--data needs a value: --data DIR");
  assertEquals(usageMistake(["--data="]), "--data needs a value: --data DIR");
  assertEquals(usageMistake(["--data", ""]), "--data needs a value: --data DIR");
  assertEquals(usageMistake(["-c"]), "--config needs a value: --config FILE");
  assertEquals(usageMistake(["--set"]), "--set needs a value: --set KEY=VALUE");
  assertEquals(
    usageMistake(["--broker-port", "-1"]),
    "--broker-port needs a value: --broker-port PORT",
  );
});

Deno.test("parseCommandLine() refuses values that a flag cannot have", () => {
  assertEquals(
    usageMistake(["--broker-port", "70000"]),
    '--broker-port: listenPort is "70000"; expected a port number from 0 to 65535',
  );
  assertStringIncludes(usageMistake(["--http-port", "http"]), '--http-port: httpPort is "http"');
  assertStringIncludes(usageMistake(["--host", "0.0.0.0"]), "that clients can reach");
  assertStringIncludes(usageMistake(["-n", "a b"]), "--namesrv: namesrvAddr");
});

Deno.test("parseCommandLine() refuses bad --set", () => {
  assertEquals(
    usageMistake(["--set", "brokrName=x"]),
    '--set: unknown setting "brokrName"; did you mean "brokerName"?',
  );
  for (const text of ["brokerName", "=x"]) {
    assertEquals(
      usageMistake(["--set", text]),
      `--set needs a key and a value, as in --set brokerName=broker-b; "${text}" is neither`,
    );
  }
});

Deno.test("parseCommandLine() refuses unknown roles and surplus words", () => {
  assertEquals(usageMistake(["brokr"]), 'unknown role "brokr"; did you mean "broker"?');
  assertEquals(usageMistake(["stor"]), 'unknown role "stor"; did you mean "store"?');
  assertEquals(
    usageMistake(["consumer"]),
    'unknown role "consumer"; the roles are serve, namesrv, broker, dashboard',
  );
  assertEquals(
    usageMistake(["broker", "5"]),
    'unexpected argument "5"; put one role first, then flags',
  );
});

Deno.test("the roles that need a name server say so", () => {
  for (const role of ["broker", "dashboard"]) {
    const command = parseCommandLine([role], {});
    assertThrows(() => resolveConfig(command as RunCommand), UsageError, "--namesrv HOST:9876");
  }
});

Deno.test("environmentName() tells all settings apart", () => {
  assertEquals(environmentName("brokerIP1"), "COMET_BROKER_IP1");
  assertEquals(environmentName("storePathRootDir"), "COMET_STORE_PATH_ROOT_DIR");
  assertEquals(environmentName("enabledAppendPropCRC"), "COMET_ENABLED_APPEND_PROP_CRC");
  const names = Object.keys(SETTINGS).map(environmentName);
  assertEquals(new Set(names).size, names.length);
});

Deno.test("parseCommandLine() takes settings from the environment", () => {
  const config = configOf("", { COMET_BROKER_NAME: "b", COMET_LISTEN_PORT: "0", HOME: "/root" });
  assertEquals([config.brokerName, config.listenPort], ["b", 0]);
});

Deno.test("parseCommandLine() takes an empty variable for none", () => {
  assertEquals(configOf("", { COMET_LISTEN_PORT: "" }).listenPort, 10911);
});

Deno.test("parseCommandLine() warns about variables that it does not know", () => {
  const { warnings } = run("", { COMET_BROKR_NAME: "b", COMET_HOME: "/opt/comet" });
  assertEquals(warnings, [
    "the environment variable COMET_BROKR_NAME is not a setting of Comet; " +
    "did you mean COMET_BROKER_NAME?",
    "the environment variable COMET_HOME is not a setting of Comet",
  ]);
});

Deno.test("parseCommandLine() ignores the service links of Kubernetes", () => {
  const environment = {
    COMET_SERVICE_HOST: "10.96.0.1",
    COMET_SERVICE_PORT: "9876",
    COMET_SERVICE_PORT_HTTP: "8080",
    COMET_PORT: "tcp://10.96.0.1:9876",
    COMET_PORT_9876_TCP: "tcp://10.96.0.1:9876",
    COMET_PORT_9876_TCP_ADDR: "10.96.0.1",
    COMET_NAMESRV_PORT: "tcp://10.96.0.1:9876",
    COMET_NAMESRV_SERVICE_HOST: "10.96.0.1",
  };
  assertEquals(run("", environment), run(""));
});

Deno.test("parseCommandLine() takes NAMESRV_ADDR for a broker, below its own variable", () => {
  const environment = { COMET_NAMESRV_ADDR: "b:1", NAMESRV_ADDR: "a:1" };
  assertEquals(configOf("broker", { NAMESRV_ADDR: "a:1" }).namesrvAddr, "a:1");
  assertEquals(configOf("broker", environment).namesrvAddr, "b:1");
  assertEquals(configOf("serve", { NAMESRV_ADDR: "a:1" }).namesrvAddr, "");
});

Deno.test("resolveConfig() prefers flags to the environment and that to the file", () => {
  const file = "brokerName=file\nbrokerClusterName=file\nmsgTraceTopicName=file";
  const environment = { COMET_BROKER_NAME: "env", COMET_BROKER_CLUSTER_NAME: "env" };
  const config = configOf("-c f --set brokerName=flag", environment, file);
  assertEquals(
    [config.brokerName, config.brokerClusterName, config.msgTraceTopicName],
    ["flag", "env", "file"],
  );
});

Deno.test("resolveConfig() prefers a flag to --set", () => {
  assertEquals(configOf("--broker-port 1000 --set listenPort=2000").listenPort, 1000);
});

Deno.test("resolveConfig() returns the warnings of all sources", () => {
  const command = run("-c broker.conf --set brokerConfigPath=x", { COMET_HOME: "/" });
  assertEquals(resolveConfig(command, "\nbrokerRole=ASYNC_MASTER").warnings, [
    "the environment variable COMET_HOME is not a setting of Comet",
    "broker.conf:2: brokerRole is a setting of Apache RocketMQ that Comet does not use",
    "--set: brokerConfigPath is a setting of Apache RocketMQ that Comet does not use",
  ]);
});

Deno.test("resolveConfig() names file and line, or the variable, of a mistake", () => {
  const inFile = assertThrows(
    () => resolveConfig(run("-c conf/b.conf"), "\nbrokrName=x"),
    ConfigError,
  );
  assertStringIncludes(inFile.message, 'conf/b.conf:2: unknown setting "brokrName"');
  const inEnvironment = assertThrows(
    () => resolveConfig(run("", { COMET_LISTEN_PORT: "x" })),
    ConfigError,
  );
  assertStringIncludes(inEnvironment.message, 'COMET_LISTEN_PORT: listenPort is "x"');
});

Deno.test("resolveConfig() takes listenPort for the name server's port in the role namesrv", () => {
  const file = "listenPort=9877\nbrokerName=b";
  assertEquals(configOf("namesrv -c namesrv.conf", {}, file).namesrvPort, 9877);
  assertEquals(configOf("namesrv --set listenPort=9878").namesrvPort, 9878);
  assertEquals(configOf("namesrv", { COMET_LISTEN_PORT: "9879" }).namesrvPort, 9876);
  assertEquals(configOf("serve -c broker.conf", {}, file).listenPort, 9877);
});

Deno.test("resolveConfig() demands a name server for the role broker", () => {
  const error = assertThrows(() => resolveConfig(run("broker")), UsageError);
  assertStringIncludes(error.message, "--namesrv HOST:9876");
  assertEquals(configOf("broker -c f", {}, "namesrvAddr=a:1").namesrvAddr, "a:1");
});

Deno.test("resolveConfig() refuses two servers on one port", () => {
  const clash = (line: string) => assertThrows(() => resolveConfig(run(line)), UsageError).message;
  assertEquals(
    clash("--broker-port 9876"),
    "the name server (--namesrv-port) and the broker (--broker-port) both want port 9876; " +
      "give one another",
  );
  assertEquals(
    clash("--broker-port 8082"),
    "the broker's second port (--set fastListenPort) and HTTP (--http-port) both want port 8080; " +
      "give one another",
  );
  assertStringIncludes(clash("namesrv --http-port 9876"), "both want port 9876");
  assertEquals(configOf("namesrv --namesrv-port 10911").namesrvPort, 10911);
});

Deno.test("helpText() fits a screen", () => {
  const lines = helpText().trimEnd().split("\n");
  assert(lines.length <= 50);
  for (const line of lines) assert(line.length <= 90, line);
});
