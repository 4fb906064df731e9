import { assert, assertEquals } from "@std/assert";
import { commandFlags } from "../server/admin_cli/admin_command_line.ts";
import { ADMIN_COMMANDS } from "../server/admin_cli/admin_commands.ts";
import { apacheSettingNames } from "../server/config_apache.ts";
import { SETTINGS } from "../server/config.ts";
import { environmentName } from "../server/config_environment.ts";
import { readFlags } from "../server/flags.ts";
import { allNodes } from "../server/command/completion/command_node.ts";
import { commandTree } from "../server/command/completion_command.ts";

const { tasks } = JSON.parse(Deno.readTextFileSync("deno.json"));

function* pages(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* pages(`${folder}/${name}`);
    else if (name.endsWith(".md")) yield `${folder}/${name}`;
  }
}

const PAGES = ["README.md", "CONTRIBUTING.md", "examples/README.md", ...pages("docs")]
  .map((path) => ({ path, text: Deno.readTextFileSync(path) }));

Deno.test("links in the documentation lead to files", () => {
  const broken: string[] = [];
  for (const { path, text } of PAGES) {
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const file = new URL(target!, `file:///${path}`).pathname.slice(1);
      try {
        Deno.statSync(file);
      } catch {
        broken.push(`${path}: ${target}`);
      }
    }
  }
  assertEquals(broken, []);
});

Deno.test("every page of docs/ can be found from docs/README.md or docs/guides/README.md", () => {
  const linked = PAGES.filter(({ path }) => /^docs\/(guides\/)?README\.md$/.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) =>
        new URL(target!, `file:///${path}`).pathname.slice(1)
      )
    );
  const lost = PAGES.map(({ path }) => path)
    .filter((path) => path.startsWith("docs/") && path !== "docs/README.md");
  assertEquals(lost.filter((path) => !linked.includes(path)), []);
});

/** What stands in code on a page: fenced, indented, or between backticks. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```[\s\S]*?^```|^ {4}.*$/gm)].map(([block]) => block);
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`]+)`/g)]
    .map(([, span]) => span!.replace(/\s*\n\s*/g, " "));
  return [...blocks.flatMap((block) => block.split("\n")), ...spans];
}

Deno.test("comet admin is written with commands and flags that it has", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const { path, text } of PAGES) {
    for (const code of codeOf(text)) {
      const [, name, rest] = /\bcomet admin (\w+)((?: +\S+)*)/.exec(code) ?? [];
      if (name === undefined || name === "COMMAND" || name === "help") continue;
      count++;
      const command = ADMIN_COMMANDS[name];
      if (command === undefined) {
        wrong.push(`${path}: comet admin ${name}`);
        continue;
      }
      // Two spaces begin what a line says about the command.
      const words = rest!.trim().split(/ {2,}/)[0]!.split(" ").filter((word) => word !== "");
      try {
        readFlags(commandFlags(command), words, "");
      } catch (error) {
        wrong.push(`${path}: comet admin ${name}${rest}: ${error}`);
      }
    }
  }
  assertEquals(wrong, []);
  assert(count > 10, `found only ${count} of them`);
});

Deno.test("comet and deno task are written with words that they have", () => {
  const paths = allNodes(commandTree()).map(({ path }) => path);
  const words = paths.filter((path) => path !== "" && !path.includes(" "));
  for (const { path, text } of PAGES) {
    for (const code of codeOf(text)) {
      const [, word] = /^(?: {4}|\$ | *)comet ([a-z]+)\b/.exec(code) ?? [];
      if (word !== undefined) assert(words.includes(word), `${path}: comet ${word}`);
      for (const [, task] of code.matchAll(/\bdeno(?:@[\d.]+)? task ([a-z]+)/g)) {
        assert(tasks[task!], `${path}: deno task ${task}`);
      }
    }
  }
});

Deno.test("settings and variables in the documentation exist", () => {
  const variables = Object.keys(SETTINGS).map(environmentName);
  const wrong: string[] = [];
  for (const { path, text } of PAGES) {
    for (const code of codeOf(text)) {
      for (const [name] of code.matchAll(/\bCOMET_[A-Z0-9_]+\b(?=[=:])/g)) {
        if (!variables.includes(name) && !/TEST/.test(name)) wrong.push(`${path}: ${name}`);
      }
      // There such words are parameters of requests.
      if (path === "docs/http-api.md") continue;
      const [, key] = /^([a-z][A-Za-z0-9]+)=\S*$/.exec(code) ?? [];
      if (key === undefined || key in SETTINGS || apacheSettingNames().includes(key)) continue;
      if (/[A-Z]/.test(key)) wrong.push(`${path}: ${key}`);
    }
  }
  assertEquals(wrong, []);
});
