import { assertEquals } from "@std/assert";
import { COMET_VERSION } from "../main.ts";

/** Who may import whom, by the start of the path; the first row that fits a file counts. */
const MAY_IMPORT: [folder: string, allowed: string[]][] = [
  ["client/protocol/", ["client/protocol/", "node:zlib", "node:buffer"]],
  ["client/", ["client/", "node:timers"]],
  ["store/file_system.ts", ["node:fs", "store/"]],
  ["store/", ["store/", "client/protocol/"]],
  ["server/namesrv/", ["server/", "client/", "node:"]],
  ["server/http/", ["server/", "client/", "dashboard/files.ts", "hono", "@hono/zod-openapi"]],
  ["server/", ["server/", "store/", "client/", "@std/cli/", "node:"]],
  ["dashboard/api.ts", [
    "dashboard/",
    "server/http/api.ts",
    "server/http/problem.ts",
    "hono/client",
  ]],
  ["dashboard/", ["dashboard/", "preact", "uplot"]],
  ["main.ts", ["server/", "client/"]],
];
const LINES_MAX = 500;

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}

const FILES = [
  ...["client", "store", "server", "dashboard"].flatMap((folder) => [...sourceFiles(folder)]),
  "main.ts",
];

function importsOf(path: string, text: string): string[] {
  const found = text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";/gm);
  return [...found].map(([, target]) =>
    target!.startsWith(".") ? new URL(target!, `file:///${path}`).pathname.slice(1) : target!
  );
}

/** The text without comments. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}

Deno.test("every file imports only what its folder may", () => {
  const wrong: string[] = [];
  for (const path of FILES) {
    const [, allowed] = MAY_IMPORT.find(([folder]) => path.startsWith(folder))!;
    for (const target of importsOf(path, Deno.readTextFileSync(path))) {
      if (!allowed.some((start) => target.startsWith(start))) wrong.push(`${path} -> ${target}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("the protocol is pure: it neither awaits nor uses the runtime", () => {
  const impure = FILES.filter((path) =>
    path.startsWith("client/protocol/") &&
    /\bawait\b|\bDeno\.|\bDate\.now\b/.test(code(Deno.readTextFileSync(path)))
  );
  assertEquals(impure, []);
});

Deno.test("the store opens no socket", () => {
  const wrong = FILES.filter((path) =>
    path.startsWith("store/") && /Deno\.(connect|listen|serve)\b/.test(Deno.readTextFileSync(path))
  );
  assertEquals(wrong, []);
});

Deno.test(`no file is longer than ${LINES_MAX} lines`, () => {
  const long = FILES.filter((path) => Deno.readTextFileSync(path).split("\n").length > LINES_MAX);
  assertEquals(long, []);
});

Deno.test("imports make no circle", () => {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): void => {
    if (trail.includes(path)) throw new Error(`circle: ${[...trail, path].join(" -> ")}`);
    if (done.has(path)) return;
    for (const target of importsOf(path, Deno.readTextFileSync(path))) {
      if (FILES.includes(target)) visit(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const path of FILES) visit(path, []);
  assertEquals(done.size, FILES.length);
});

Deno.test("main.ts has the version of deno.json", () => {
  const { version } = JSON.parse(Deno.readTextFileSync("deno.json"));
  assertEquals(COMET_VERSION, version);
});
