/**
 * Runs the steps of the Dockerfile in plain folders, since no container engine runs here: the context that
 * .dockerignore lets through, RUN, COPY, and the server and its health check as the image's user with the image's
 * environment. Paths of the image lie below a folder. `check_image.ts` with DENORT_BIN set where it must not be fetched.
 */

import {
  contextNames,
  parseDockerfile,
  type Stage,
  textsOf,
  wordsOf,
} from "../tests/helpers/dockerfile.ts";

const REPOSITORY = new URL("../", import.meta.url).pathname;
const PORTS = {
  COMET_NAMESRV_PORT: "17876",
  COMET_LISTEN_PORT: "17911",
  COMET_HTTP_PORT: "17980",
};
const READY_MILLIS_MAX = 10_000;

const [build, image] = parseDockerfile(await Deno.readTextFile(`${REPOSITORY}Dockerfile`));
const work = await Deno.makeTempDir();
try {
  await Deno.chmod(work, 0o755);
  await makeContext(`${work}/src`);
  await buildStage(build!);
  await copyStage(image!);
  await serve(image!);
  Deno.stdout.writeSync(new TextEncoder().encode("1 passed, 0 failed\n"));
} finally {
  await Deno.remove(work, { recursive: true });
}

async function sh(command: string, options: { cwd?: string; env?: Record<string, string> } = {}) {
  const run = new Deno.Command("sh", { ...options, args: ["-ec", command], stdout: "null" });
  const { success, stderr } = await run.output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
}

async function makeContext(context: string): Promise<void> {
  await Deno.mkdir(context);
  const names = contextNames(await Deno.readTextFile(`${REPOSITORY}.dockerignore`));
  await sh(`cp -r ${names.join(" ")} "${context}"`, { cwd: REPOSITORY });
}

async function buildStage(stage: Stage): Promise<void> {
  // The image of this stage has a program of that name.
  await Deno.mkdir(`${work}/bin`);
  await Deno.symlink(Deno.execPath(), `${work}/bin/deno`);
  const env = { PATH: `${work}/bin:${Deno.env.get("PATH")}` };
  for (const command of textsOf(stage, "RUN")) {
    await sh(command.replaceAll("/out/", `${work}/out/`), { cwd: `${work}/src`, env });
  }
}

async function copyStage(stage: Stage): Promise<void> {
  for (const text of textsOf(stage, "COPY")) {
    const [, owner, from, to] = /^--from=\S+ (?:--chown=(\S+) )?(\S+) (\S+)$/.exec(text)!;
    const target = `${work}/root${to}`;
    await sh(`mkdir -p "$(dirname "${target}")" && cp -r "${work}${from}" "${target}"`);
    if (owner !== undefined && Deno.uid() === 0) await sh(`chown ${owner} "${target}"`);
  }
}

/** Starts the image's command, waits until its health check is content, and ends it as Docker does. */
async function serve(stage: Stage): Promise<void> {
  const [program, ...first] = wordsOf(stage, "ENTRYPOINT");
  const given = textsOf(stage, "ENV").map((text) => text.split("=") as [string, string]);
  const env = Object.fromEntries(given.map(([name, value]) => [name, `${work}/root${value}`]));
  const [uid, gid] = textsOf(stage, "USER")[0]!.split(":").map(Number) as [number, number];
  const options = {
    cwd: `${work}/root`,
    clearEnv: true,
    env: { ...env, ...PORTS },
    stdout: "null",
    stderr: "null",
    ...Deno.uid() === 0 ? { uid, gid } : {},
  } as const;
  const args = [...first, ...wordsOf(stage, "CMD")];
  const server = new Deno.Command(`${work}/root${program}`, { ...options, args }).spawn();
  try {
    const [healthcheck] = textsOf(stage, "HEALTHCHECK");
    const words: string[] = JSON.parse(healthcheck!.slice(healthcheck!.indexOf("CMD ") + 4));
    const check = new Deno.Command(`${work}/root${words[0]}`, { ...options, args: words.slice(1) });
    const deadline = performance.now() + READY_MILLIS_MAX;
    while (!(await check.output()).success) {
      if (performance.now() > deadline) throw new Error("the health check is never content");
    }
    const [folder] = wordsOf(stage, "VOLUME");
    await Deno.stat(`${work}/root${folder}/commitlog`);
  } finally {
    server.kill("SIGTERM");
  }
  const { code } = await server.status;
  if (code !== 0) throw new Error(`after SIGTERM it ended with code ${code}`);
}
