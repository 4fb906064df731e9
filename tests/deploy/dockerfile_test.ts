import { assert, assertEquals } from "@std/assert";
import { parseCommandLine } from "../../server/command_line.ts";
import { deployed } from "../helpers/deployed.ts";
import { contextNames, parseDockerfile, textsOf, wordsOf } from "../helpers/dockerfile.ts";

const [build, image] = parseDockerfile(Deno.readTextFileSync("Dockerfile"));
const environment = Object.fromEntries(
  textsOf(image!, "ENV").map((text) => text.split("=") as [string, string]),
);
const entry = wordsOf(image!, "ENTRYPOINT");

Deno.test("the image serves with its data in its volume, and names the ports that it listens on", () => {
  const { role, config, ports } = deployed(wordsOf(image!, "CMD"), environment);
  assertEquals(role, "serve");
  assertEquals([config.storePathRootDir], wordsOf(image!, "VOLUME"));
  const exposed = textsOf(image!, "EXPOSE")[0]!.split(" ").map(Number);
  assertEquals(exposed.toSorted(), ports.toSorted());
});

Deno.test("the image runs as nobody, who owns the volume", () => {
  const [user] = textsOf(image!, "USER");
  assertEquals(user, "65532:65532");
  const [volume] = wordsOf(image!, "VOLUME");
  assert(
    textsOf(image!, "COPY").some((text) =>
      text.includes(`--chown=${user} `) && text.endsWith(` ${volume}`)
    ),
  );
});

Deno.test("the image's health check is a command of the program that it starts", () => {
  const [check] = textsOf(image!, "HEALTHCHECK");
  const words: string[] = JSON.parse(check!.slice(check!.indexOf("CMD ") + 4));
  assertEquals(words[0], entry[0]);
  const command = parseCommandLine(words.slice(1), environment);
  assertEquals(command.kind === "tool" && command.tool, "health");
});

Deno.test("what the image copies is what the build made", () => {
  const made = textsOf(build!, "RUN").join("\n");
  for (const text of textsOf(image!, "COPY")) {
    const [, stage, source] = /^--from=(\S+) (?:--\S+ )?(\S+) \S+$/.exec(text)!;
    assertEquals(stage, build!.name);
    assert(made.includes(source!), `${source} is not made by ${made}`);
  }
  assert(textsOf(image!, "COPY").some((text) => text.endsWith(` ${entry[0]}`)));
});

Deno.test("the builder has the Deno that everything else is run with", () => {
  const version = build!.image.split(":")[1];
  assert(Deno.readTextFileSync(".ci/run").includes(`deno@${version}`));
});

Deno.test("the builder gets every file that the program and its tools are made of", async () => {
  const names = contextNames(Deno.readTextFileSync(".dockerignore"));
  for (const entryFile of ["main.ts", "tools/compile.ts", "dashboard/main.tsx"]) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entryFile],
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: { specifier: string }[];
    };
    const root = new URL("../../", import.meta.url).href;
    const files = modules.map(({ specifier }) => specifier)
      .filter((specifier) => specifier.startsWith(root))
      .map((specifier) => specifier.slice(root.length));
    assert(files.includes(entryFile));
    assertEquals(files.filter((file) => !names.includes(file.split("/")[0]!)), []);
  }
  for (const name of names) Deno.statSync(name);
});
