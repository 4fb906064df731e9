/** Runs Apache's clients against a compiled binary, the scenarios that send: `check_interop.ts FILE`. */

const PORTS = { "namesrv-port": 17876, "broker-port": 17911, "http-port": 17980 };
const SMOKE = "send";
const READY_MILLIS_MAX = 10_000;

const [file] = Deno.args;
if (file === undefined) throw new Error("Usage: check_interop.ts FILE");
const folder = await Deno.makeTempDir();
const server = new Deno.Command(file, {
  args: Object.entries(PORTS).map(([flag, port]) => `--${flag}=${port}`),
  cwd: folder,
  stdout: "null",
  stderr: "null",
}).spawn();
let code = 1;
try {
  await ready();
  const args = [
    "task",
    "interop",
    "--namesrv",
    `127.0.0.1:${PORTS["namesrv-port"]}`,
    "--only",
    SMOKE,
  ];
  const cwd = new URL("../", import.meta.url).pathname;
  code = (await new Deno.Command(Deno.execPath(), { args, cwd }).spawn().status).code;
} finally {
  server.kill("SIGTERM");
  await server.status;
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(code);

async function ready(): Promise<void> {
  const deadline = performance.now() + READY_MILLIS_MAX;
  while (performance.now() < deadline) {
    const response = await fetch(`http://127.0.0.1:${PORTS["http-port"]}/healthz`).catch(() => {});
    await response?.body?.cancel();
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the binary does not start");
}
