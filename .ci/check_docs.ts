/**
 * Runs every block marked `sh` of the pages given, as it is written, in a fresh copy of the sources: `check_docs.ts
 * FILE...`. A block that starts Comet goes on running while those after it, of all pages, are run. A command that is a
 * step of .ci/run itself is not run twice.
 */

const REPOSITORY = new URL("../", import.meta.url).pathname;
const HEALTH = "http://127.0.0.1:8080/healthz";
const READY_MILLIS_MAX = 120_000;
const COMMAND_MILLIS_MAX = 300_000;
const STARTS = /\btask start\b/;

const pages = Deno.args;
const steps = await Deno.readTextFile(`${REPOSITORY}.ci/run`);
const copy = await Deno.makeTempDir();
let server: Deno.ChildProcess | undefined;
let passed = 0;
let failed = 0;
try {
  const listed = "git ls-files -co --exclude-standard";
  const present = `${listed} | while read -r file; do [ ! -e "$file" ] || echo "$file"; done`;
  await run(`${present} | xargs -d '\\n' cp --parents -t "${copy}"`, REPOSITORY);
  for (const page of pages) {
    for (const block of blocksOf(await Deno.readTextFile(`${copy}/${page}`))) {
      const name = `${page}: ${block.split("\n")[0]}`;
      try {
        say(`ok   ${name} (${await check(block)})`);
        passed++;
      } catch (error) {
        say(`FAIL ${name}: ${error instanceof Error ? error.message : error}`);
        failed++;
      }
    }
  }
} finally {
  await stop();
  await Deno.remove(copy, { recursive: true });
}
say(`${passed} passed, ${failed} failed`);
Deno.exit(failed === 0 && passed > 0 ? 0 : 1);

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

function blocksOf(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)\n```$/gm)].map(([, block]) => block!);
}

async function check(block: string): Promise<string> {
  if (steps.includes(block)) return "a step of CI";
  if (STARTS.test(block)) return await start(block);
  const started = performance.now();
  await run(block, copy);
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

async function start(block: string): Promise<string> {
  if (server !== undefined) return "runs already";
  for (const port of [8080, 9876, 10909, 10911]) Deno.listen({ port }).close();
  const started = performance.now();
  // A session of its own, so that all of npx, Deno and Comet can be told to end.
  const args = ["setsid", "bash", "-ec", block];
  server = new Deno.Command(args[0]!, {
    args: args.slice(1),
    cwd: copy,
    stdout: "null",
    stderr: "null",
  }).spawn();
  while (!(await isUp())) {
    if (performance.now() - started > READY_MILLIS_MAX) throw new Error(`${HEALTH} never answers`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return `ready after ${((performance.now() - started) / 1000).toFixed(1)} s`;
}

async function isUp(): Promise<boolean> {
  const response = await fetch(HEALTH).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}

async function stop(): Promise<void> {
  if (server === undefined) return;
  const group = `-${server.pid}`;
  Deno.kill(Number(group), "SIGTERM");
  await server.status;
  // The shell ends first. Comet writes to its folder until it has ended, after its port is closed.
  const isThere = async () =>
    (await new Deno.Command("kill", { args: ["-0", "--", group] }).output()).success;
  for (const deadline = performance.now() + 10_000; performance.now() < deadline;) {
    if (!await isThere()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function run(command: string, cwd: string): Promise<void> {
  const signal = AbortSignal.timeout(COMMAND_MILLIS_MAX);
  const args = ["-e", "-o", "pipefail", "-c", command];
  const { success, stdout, stderr } = await new Deno.Command("bash", { args, cwd, signal })
    .output();
  if (success) return;
  throw new Error(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
}
