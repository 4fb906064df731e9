/** Holds a compiled binary to its promise, alone in an empty folder: `check_binary.ts FILE`. */

const PORTS = { "namesrv-port": 17876, "broker-port": 17911, "http-port": 17980 };
const START_MILLIS_MAX = 10_000;
const STOP_MILLIS_MAX = 10_000;

const [file] = Deno.args;
if (file === undefined) throw new Error("Usage: check_binary.ts FILE");
const folder = await Deno.makeTempDir();
try {
  await Deno.copyFile(file, `${folder}/comet`);
  await checkVersion(folder);
  await checkRun(folder);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function checkVersion(cwd: string): Promise<void> {
  const command = new Deno.Command(`${cwd}/comet`, { args: ["--version"], cwd });
  const { code, stdout } = await command.output();
  const printed = new TextDecoder().decode(stdout).trim();
  const config = await Deno.readTextFile(new URL("../deno.json", import.meta.url));
  const { version } = JSON.parse(config) as { version: string };
  if (code !== 0 || printed !== `comet ${version}`) {
    throw new Error(`--version printed ${JSON.stringify(printed)} and exited with ${code}`);
  }
}

/** Starts it, asks for its health, stops it. */
async function checkRun(cwd: string): Promise<void> {
  // Else another program might answer in its place.
  for (const port of Object.values(PORTS)) Deno.listen({ port }).close();
  const args = Object.entries(PORTS).map(([flag, port]) => `--${flag}=${port}`);
  const child = new Deno.Command(`${cwd}/comet`, { args, cwd }).spawn();
  try {
    await healthy();
    child.kill("SIGTERM");
    const status = await within(STOP_MILLIS_MAX, child.status);
    if (status?.code !== 0) {
      throw new Error(`after SIGTERM it ${status ? `exited with ${status.code}` : "still runs"}`);
    }
  } finally {
    stop(child);
  }
}

async function healthy(): Promise<void> {
  const url = `http://127.0.0.1:${PORTS["http-port"]}/healthz`;
  const deadline = performance.now() + START_MILLIS_MAX;
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) return;
    if (performance.now() > deadline) {
      throw new Error(`GET /healthz answered ${response?.status ?? "nothing"}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
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

function stop(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
}
