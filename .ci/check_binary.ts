/**
 * Holds a compiled binary to its promise: alone in an empty folder, with no Deno, no environment and, where the system
 * lets a process be cut off, no network: `check_binary.ts FILE`.
 */

const PORTS = { "namesrv-port": 17876, "broker-port": 17911, "http-port": 17980 };
const FLAGS = Object.entries(PORTS).map(([flag, port]) => `--${flag}=${port}`);
const HTTP = `http://127.0.0.1:${PORTS["http-port"]}`;
const START_MILLIS_MAX = 10_000;
const STOP_MILLIS_MAX = 10_000;
const STARTS = 5;
/** What is promised; the best of the starts counts, since other work on the machine delays single ones. */
const READY_MILLIS_PROMISED = 400;
const IDLE_MEGABYTES_PROMISED = 100;
const IDLE_MILLIS = 3_000;
/** Of which 97 are the runtime; packages of the tests would not fit. */
const SIZE_MEGABYTES_MAX = 125;
const ISOLATED = "--isolated";

let passed = 0;
let failed = 0;

async function check(name: string, run: () => Promise<string>): Promise<void> {
  try {
    say(`ok   ${name}: ${await run()}`);
    passed++;
  } catch (error) {
    say(`FAIL ${name}: ${error instanceof Error ? error.message : error}`);
    failed++;
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function demand(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint);
}

const [file, mode] = Deno.args;
if (file === undefined) throw new Error("Usage: check_binary.ts FILE");
if (mode !== ISOLATED && await canBeIsolated()) Deno.exit(await runIsolated(file));
const folder = await Deno.makeTempDir();
try {
  const program = `${folder}/comet`;
  await Deno.copyFile(file, program);
  // Else another program might answer in its place.
  for (const port of Object.values(PORTS)) Deno.listen({ port }).close();
  await check(
    "network",
    () => Promise.resolve(mode === ISOLATED ? "none" : "could not be cut off"),
  );
  await check("size", () => checkSize(program));
  await check("version", () => checkVersion(program));
  await check("start", () => checkStarts(program));
  await check("running", () => checkRunning(program));
} finally {
  await Deno.remove(folder, { recursive: true });
}
say(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 ? 0 : 1);

/** Whether a process may be given a network of its own, with nothing but loopback. */
async function canBeIsolated(): Promise<boolean> {
  try {
    const command = new Deno.Command("unshare", {
      args: ["--net", "ip", "link", "set", "lo", "up"],
    });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

async function runIsolated(program: string): Promise<number> {
  const script = 'ip link set lo up && exec "$@"';
  const self = [Deno.execPath(), "run", "-A", new URL(import.meta.url).pathname, program, ISOLATED];
  const args = ["--net", "sh", "-c", script, "sh", ...self];
  return (await new Deno.Command("unshare", { args }).spawn().status).code;
}

async function checkSize(program: string): Promise<string> {
  const megabytes = (await Deno.stat(program)).size / 1e6;
  demand(megabytes < SIZE_MEGABYTES_MAX, `${megabytes.toFixed(0)} MB`);
  return `${megabytes.toFixed(1)} MB`;
}

interface Ended {
  code: number;
  text: string;
}

async function run(program: string, ...args: string[]): Promise<Ended> {
  const command = new Deno.Command(program, { args, cwd: folder, clearEnv: true });
  const { code, stdout, stderr } = await command.output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function checkVersion(program: string): Promise<string> {
  const { code, text } = await run(program, "--version");
  const config = await Deno.readTextFile(new URL("../deno.json", import.meta.url));
  const { version } = JSON.parse(config) as { version: string };
  demand(code === 0 && text === `comet ${version}\n`, `printed ${text} and exited with ${code}`);
  return version;
}

/** Starts it again and again over one data folder, and measures the time until it is healthy. */
async function checkStarts(program: string): Promise<string> {
  const millis: number[] = [];
  for (let round = 0; round < STARTS; round++) {
    const started = performance.now();
    await using server = start(program);
    await healthy();
    millis.push(performance.now() - started);
    await server.stop();
  }
  const sorted = millis.toSorted((a, b) => a - b).map(Math.round);
  demand(sorted[0]! < READY_MILLIS_PROMISED, `ready after ${sorted.join(", ")} ms`);
  return `ready after ${sorted.join(", ")} ms, ${READY_MILLIS_PROMISED} are promised`;
}

/** Memory when idle, health, the doctor's word, the dashboard and the API of one that runs. */
async function checkRunning(program: string): Promise<string> {
  await using server = start(program);
  await healthy();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MILLIS));
  const megabytes = await memory(server.pid);
  demand(megabytes < IDLE_MEGABYTES_PROMISED, `takes ${megabytes.toFixed(0)} MB when idle`);
  const health = await run(program, "health", ...FLAGS);
  demand(health.code === 0, `comet health: ${health.text}`);
  const doctor = await run(program, "doctor", ...FLAGS);
  demand(doctor.code === 0, `comet doctor:\n${doctor.text}`);
  for (const path of ["/", "/api/openapi.json"]) {
    const response = await fetch(HTTP + path);
    const text = await response.text();
    demand(response.ok && text.length > 100, `GET ${path} answered ${response.status}`);
  }
  const bench = ["bench", "-n", `127.0.0.1:${PORTS["namesrv-port"]}`, "--messages", "2000"];
  const load = await run(program, ...bench, "--size", "100");
  demand(load.code === 0, `comet bench: ${load.text}`);
  await server.stop();
  return `${megabytes.toFixed(0)} MB when idle, ${IDLE_MEGABYTES_PROMISED} are promised; ` +
    "health, doctor, dashboard, API and bench are well";
}

/** Resident memory in MB, files that are mapped included; 0 where the system does not tell. */
async function memory(pid: number): Promise<number> {
  if (Deno.build.os !== "linux") return 0;
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(await Deno.readTextFile(`/proc/${pid}/status`))!;
  return Number(kilobytes) / 1000;
}

interface RunningServer extends AsyncDisposable {
  pid: number;
  /** Asks it to end. @throws when it does not, or not with code 0. */
  stop(): Promise<void>;
}

function start(program: string): RunningServer {
  const child = new Deno.Command(program, {
    args: FLAGS,
    cwd: folder,
    clearEnv: true,
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    pid: child.pid,
    async stop() {
      child.kill("SIGTERM");
      const status = await within(STOP_MILLIS_MAX, child.status);
      demand(
        status?.code === 0,
        `after SIGTERM ${status ? `code ${status.code}` : "it still runs"}`,
      );
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // it has ended
      }
      await child.status;
    },
  };
}

async function healthy(): Promise<void> {
  const deadline = performance.now() + START_MILLIS_MAX;
  for (;;) {
    const response = await fetch(`${HTTP}/healthz`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    demand(performance.now() < deadline, `GET /healthz: ${response?.status ?? "nothing"}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** The promise's value, or undefined when the time is over. */
async function within<T>(millis: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), millis);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
