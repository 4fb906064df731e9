import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";

interface Job {
  needs?: string;
  uses?: string;
  steps?: { uses?: string; run?: string; with?: Record<string, unknown> }[];
}

const FOLDER = ".github/workflows";
const workflows = Object.fromEntries(
  [...Deno.readDirSync(FOLDER)].map(({ name }) => [
    name,
    parse(Deno.readTextFileSync(`${FOLDER}/${name}`)) as { jobs: Record<string, Job> },
  ]),
);
const { tasks, version } = JSON.parse(Deno.readTextFileSync("deno.json"));
const commands = Object.values(workflows).flatMap(({ jobs }) =>
  Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []))
);

Deno.test("workflows name tasks, files and jobs that exist", () => {
  for (const command of commands) {
    for (const [, task] of command.matchAll(/deno task (\S+)/g)) assert(tasks[task!], task);
    for (const [file] of command.matchAll(/\.ci\/[\w.]+/g)) Deno.statSync(file);
  }
  for (const { jobs } of Object.values(workflows)) {
    for (const { needs, uses } of Object.values(jobs)) {
      if (needs !== undefined) assert(jobs[needs], needs);
      if (uses?.startsWith("./")) Deno.statSync(uses);
    }
  }
});

Deno.test("the release is made with the Deno that CI tests with, and only after its tests", () => {
  const { jobs } = workflows["release.yml"]!;
  const deno = jobs["binaries"]!.steps!.find(({ uses }) => uses?.startsWith("denoland/"));
  const [, denoVersion] = /deno@([\d.]+)/.exec(Deno.readTextFileSync(".ci/run"))!;
  assertEquals(deno!.with!["deno-version"], `v${denoVersion}`);
  for (const job of ["binaries", "image"]) assertEquals(jobs[job]!.needs, "test");
  assertEquals(jobs["test"]!.uses, `./${FOLDER}/ci.yml`);
});

Deno.test("the release refuses a tag that is not the version", async () => {
  const check = commands.find((command) => command.includes('$GITHUB_REF_NAME" ='))!;
  const folder = await Deno.makeTempDir();
  await Deno.symlink(Deno.execPath(), `${folder}/deno`);
  for (const [tag, good] of [[`v${version}`, true], [version, false], ["v9.9.9", false]]) {
    const env = { GITHUB_REF_NAME: tag, PATH: `${folder}:${Deno.env.get("PATH")}` };
    const { success } = await new Deno.Command("bash", { args: ["-c", check], env }).output();
    assertEquals(success, good, tag);
  }
  await Deno.remove(folder, { recursive: true });
});
