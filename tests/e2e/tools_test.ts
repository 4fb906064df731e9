import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Finding } from "../../server/command/doctor/finding.ts";
import { startComet } from "../helpers/comet.ts";
import { freePortBase } from "../interop/free_ports.ts";

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function comet(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", ...args],
    env,
  });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

async function findings(args: string[], code: number): Promise<Finding[]> {
  const ended = await comet(["doctor", "--json", ...args]);
  assertEquals(ended.code, code, ended.stdout + ended.stderr);
  const report = JSON.parse(ended.stdout) as { ok: boolean; findings: Finding[] };
  assertEquals(report.ok, code === 0);
  return report.findings;
}

function finding(all: Finding[], name: string): Finding {
  const found = all.find((one) => one.name === name);
  assert(found !== undefined, `no finding ${name} in ${all.map((one) => one.name).join(", ")}`);
  return found;
}

/** Flags that make the doctor look at no port, for tests of everything else. */
const NO_PORTS = ["--namesrv-port", "0", "--broker-port", "0", "--http-port", "0"];

Deno.test("comet doctor finds a running server healthy, asked with the flags that it has", async () => {
  const folder = Deno.makeTempDirSync();
  await using running = await startComet(folder);
  const { namesrvPort, brokerPort, httpPort } = running;
  const flags = ["--data", folder, "--namesrv-port", `${namesrvPort}`];
  flags.push("--broker-port", `${brokerPort}`, "--http-port", `${httpPort}`);
  const all = await findings(flags, 0);
  assertMatch(finding(all, `port ${brokerPort}`).detail, /a running server answers/);
  assertMatch(finding(all, "broker broker-a").detail, new RegExp(`at 127.0.0.1:${brokerPort}`));
  assertEquals(finding(all, "clock of broker broker-a").status, "ok");
  assertMatch(finding(all, "lock").detail, /a running process has/);
  assertMatch(finding(all, "data folder").detail, /20 writes of 4096 bytes, each synced in/);
  assertEquals([...Deno.readDirSync(folder)].filter(({ name }) => name.includes("doctor")), []);

  const clash = await findings(["namesrv", ...flags.slice(0, -1), `${namesrvPort + 1}`], 1);
  assertMatch(finding(clash, `port ${namesrvPort}`).detail, /a server of RocketMQ has it already/);
});

Deno.test("comet doctor finds a broker that clients are told a wrong address of", async () => {
  const flags = ["--host", "127.0.0.1:1"];
  await using running = await startComet(Deno.makeTempDirSync(), flags);
  const namesrv = `127.0.0.1:${running.namesrvPort}`;
  const all = await findings(["broker", "-n", namesrv, ...NO_PORTS], 1);
  const { status, detail, advice } = finding(all, "broker broker-a");
  assertEquals(status, "fail");
  assertMatch(detail, /clients are told 127\.0\.0\.1:1, where it does not answer/);
  assertMatch(advice ?? "", /--host/);
});

Deno.test("comet doctor names what is in the way of a start", async () => {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const file = Deno.makeTempFileSync();
  const flags = ["--namesrv-port", "0", "--broker-port", "0", "--data", file];
  const all = await findings([...flags, "--http-port", `${listener.addr.port}`], 1);
  const port = finding(all, `port ${listener.addr.port}`);
  assertEquals([port.status, port.detail], [
    "fail",
    "another program has it already; HTTP (--http-port) wants it",
  ]);
  assertMatch(finding(all, "data folder").detail, /is no folder/);

  const settings = await findings(["broker", ...NO_PORTS], 1);
  assertMatch(finding(settings, "settings").detail, /--namesrv HOST:9876/);
});

Deno.test("comet doctor dials the address that a broker would tell", async () => {
  // The second port is two below.
  const port = freePortBase([0, 2]) + 2;
  const ports = ["--namesrv-port", "0", "--http-port", "0", "--broker-port", `${port}`];
  const folder = ["--data", Deno.makeTempDirSync()];
  const found = await findings([...ports, ...folder, "--host", "127.0.0.1"], 0);
  assertEquals(
    finding(found, "advertised address").detail,
    `127.0.0.1:${port}, leads to this machine`,
  );
  const nowhere = await findings([...ports, ...folder, "--host", "127.0.0.1:1"], 0);
  assertEquals(finding(nowhere, "advertised address").status, "warn");
});

Deno.test("comet health tells by its exit code whether the server answers", async () => {
  const running = await startComet(Deno.makeTempDirSync());
  const port = ["--http-port", `${running.httpPort}`];
  assertEquals(await comet(["health", ...port]), { code: 0, stdout: "ok\n", stderr: "" });
  await running.stop();
  assertEquals((await comet(["health", ...port])).code, 1);
});

Deno.test("comet config tells each setting's source, and prints a sample", async () => {
  const { code, stdout } = await comet(["config", "--changed", "--json", "--broker-port", "1001"], {
    COMET_BROKER_NAME: "b",
  });
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout).settings, [
    { key: "brokerName", value: "b", source: "COMET_BROKER_NAME" },
    { key: "listenPort", value: 1001, source: "--broker-port" },
  ]);
  const sample = await comet(["config", "--sample"]);
  assertMatch(sample.stdout, /^#brokerName=broker-a$/m);
});

Deno.test("comet bench sends to a topic that it makes, and pulls everything back", async () => {
  await using running = await startComet(Deno.makeTempDirSync());
  const namesrv = `127.0.0.1:${running.namesrvPort}`;
  const args = ["bench", "-n", namesrv, "--messages", "500", "--senders", "7", "--queues", "3"];
  for (const round of [1, 2]) {
    const { code, stdout, stderr } = await comet([...args, "--size", "100", "--json"]);
    assertEquals(code, 0, stderr);
    const { send, pull, queues } = JSON.parse(stdout);
    assertEquals([send.messages, send.bytes, send.failed], [500, 50_000, 0], `round ${round}`);
    assertEquals([pull.messages, pull.failed, queues], [500, 0, 3]);
    assert(send.latencyMillis.median > 0 && send.latencyMillis.max >= send.latencyMillis.p999);
  }
});

Deno.test("comet bench says when nobody answers, and when its flags make no sense", async () => {
  const unreachable = await comet(["bench", "-n", "127.0.0.1:1", "--messages", "1"]);
  assertEquals(unreachable.code, 2);
  assertMatch(unreachable.stderr, /Cannot reach 127\.0\.0\.1:1/);
  const wrong = await comet(["bench", "--size", "none"]);
  assertEquals(wrong.stderr, 'comet: --size is "none"; expected a whole number of at least 1\n');
});

Deno.test("comet version tells what is inside", async () => {
  const { stdout } = await comet(["version", "--json"]);
  const versions = JSON.parse(stdout);
  assertEquals([versions.deno, versions.compiled], [Deno.version.deno, false]);
  assertMatch(
    (await comet(["help", "doctor"])).stdout,
    /^Usage: comet doctor \[ROLE\] \[FLAGS\]$/m,
  );
});
