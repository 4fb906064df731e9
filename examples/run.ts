/** Builds the examples, runs them against a server of its own, and checks what they do: `deno task examples`. */

import { startComet } from "../tests/interop/server_under_test.ts";

const HERE = new URL(".", import.meta.url).pathname;
const WAIT_MILLIS_MAX = 60_000;
const POLL_MILLIS = 200;

const folder = await Deno.makeTempDir({ prefix: "examples-" });
let passed = 0;
let failed = 0;

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function check(name: string, run: () => Promise<string>): Promise<void> {
  const started = performance.now();
  try {
    const text = await run();
    say(`ok   ${name} (${((performance.now() - started) / 1000).toFixed(1)} s) ${text}`);
    passed++;
  } catch (error) {
    say(`FAIL ${name}: ${error instanceof Error ? error.message : error}`);
    failed++;
  }
}

/** Runs a command to its end; gives what it printed. @throws with all of that when it fails. */
async function finish(
  directory: string,
  [program, ...args]: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const command = new Deno.Command(program!, { args, cwd: `${HERE}${directory}`, env });
  const { success, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`${program}: ${text}${new TextDecoder().decode(stderr)}`);
  return text;
}

/** A service that runs until it is disposed of; its output goes to a file. */
function service(
  directory: string,
  [program, ...args]: readonly string[],
  env: Record<string, string>,
): AsyncDisposable {
  const child = new Deno.Command(program!, {
    args,
    cwd: `${HERE}${directory}`,
    env: { HOME: folder, ...env },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await child.status;
      clearTimeout(timer);
    },
  };
}

/** Waits until `ask` gives something. */
async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + WAIT_MILLIS_MAX; Date.now() < deadline;) {
    const found = await ask().catch(() => undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
  throw new Error(`${what}: not within ${WAIT_MILLIS_MAX} ms`);
}

async function postJson(url: string, value: unknown): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(value) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
}

/** The text of the message with this key, once there is one. */
function messageWithKey(http: string, topic: string, key: string): Promise<string> {
  return eventually(`a message ${key} in ${topic}`, async () => {
    const response = await fetch(`${http}/api/messages?topic=${topic}&key=${key}`);
    const text = await response.text();
    return response.ok && text.includes(key) ? text : undefined;
  });
}

function demand(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint);
}

async function build(): Promise<string> {
  const copy = "dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=target/lib";
  await Promise.all([
    finish("order-service-java", ["mvn", "-q", "-B", "compile", ...copy.split(" ")]),
    finish("worker-go", ["go", "build", "-o", "target/worker", "."]),
  ]);
  return "";
}

async function topic(http: string, name: string): Promise<void> {
  await postJson(`${http}/api/topics`, { topic: name, readQueueNums: 4, writeQueueNums: 4 });
}

try {
  await check("build", build);
  await using server = await startComet(folder);
  // Beside the name server's port, as startComet has it.
  const [, namesrvPort] = server.namesrv.split(":").map(Number);
  const http = `http://127.0.0.1:${namesrvPort! + 1}`;
  const env = { NAMESRV_ADDR: server.namesrv };
  await check("curl", async () => {
    const text = await finish("curl", ["./orders.sh"], { COMET: http });
    demand(text.includes("order 1"), text);
    return "";
  });
  await check("worker-go", async () => {
    await topic(http, "Tasks");
    await topic(http, "Results");
    await using _worker = service("worker-go", ["target/worker"], env);
    await postJson(`${http}/api/messages`, { topic: "Tasks", keys: ["task-1"], body: "shout" });
    demand((await messageWithKey(http, "Results", "task-1")).includes("SHOUT"), "no result");
    return "";
  });
  await check("order-service-java and service-typescript", async () => {
    await topic(http, "OrderEvents");
    await topic(http, "Mails");
    const port = `${namesrvPort! + 2}`;
    const java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1"];
    const start = [...java, "-cp", "target/classes:target/lib/*", "example.OrderService"];
    await using _orders = service("order-service-java", start, { ...env, PORT: port });
    const deno = [Deno.execPath(), "run", "-A", "main.ts"];
    await using _mails = service("service-typescript", deno, env);
    const orders = `http://127.0.0.1:${port}/orders`;
    await eventually("an order", () => postJson(orders, { id: "order-7", amount: 120 }));
    await eventually("order-7 is shipped", async () => {
      const text = await (await fetch(`${orders}/order-7`)).text();
      return JSON.parse(text).state === "shipped" ? text : undefined;
    });
    const mail = await messageWithKey(http, "Mails", "order-7");
    demand(mail.includes("order order-7 is on its way"), mail);
    return "";
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}
say(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);
