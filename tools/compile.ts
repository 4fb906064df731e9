/** Makes the one binary: `deno task compile [--target TRIPLE] [--output FILE]`. */

import { fileURLToPath } from "node:url";
import { parseArgs } from "@std/cli/parse-args";
import { bundleDashboard } from "./bundle.ts";

/** What the program reads at run time without importing it; it lies in the binary under the same path. */
const INCLUDED_FILES: readonly string[] = ["dashboard/dist/"];

/** As the task `start` has it: 40 MB less memory under load, and no more work for it. */
const V8_FLAGS = "--v8-flags=--max-semi-space-size=8";

const USAGE = `Usage: deno task compile [--target TRIPLE] [--output FILE]

  --target TRIPLE  the system to compile for, as in aarch64-apple-darwin (this one)
  --output FILE    the binary (comet; with .exe for Windows)
`;

/** Compiles; returns the exit code. */
async function compile(args: string[]): Promise<number> {
  const unknown: string[] = [];
  const flags: Record<string, unknown> = parseArgs(args, {
    string: ["target", "output"],
    boolean: ["help"],
    unknown: (arg: string) => {
      unknown.push(arg);
      return false;
    },
  });
  const { target, output = "comet", help } = flags;
  if (help === true || unknown.length > 0 || target === "" || output === "") {
    print(unknown.length > 0 ? `Unknown argument ${unknown[0]}\n\n${USAGE}` : USAGE);
    return help === true ? 0 : 2;
  }
  await bundleDashboard();
  const root = new URL("../", import.meta.url);
  await using slim = await slimConfig(root);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--allow-all",
      V8_FLAGS,
      `--config=${slim.config}`,
      `--lock=${slim.lock}`,
      ...INCLUDED_FILES.map((file) => `--include=${fileURLToPath(new URL(file, root))}`),
      ...(target === undefined ? [] : [`--target=${target}`]),
      `--output=${output}`,
      fileURLToPath(new URL("main.ts", root)),
    ],
  }).spawn().status;
  return code;
}

/**
 * A copy of deno.json with only the packages that the program imports: the compiler puts every package of its
 * configuration into the binary, those of the tests too. It stands beside deno.json, from where its paths lead.
 */
async function slimConfig(root: URL): Promise<AsyncDisposable & { config: string; lock: string }> {
  const file = (name: string) => fileURLToPath(new URL(name, root));
  const { workspace: _, test: __, imports, ...rest } = JSON.parse(
    await Deno.readTextFile(file("deno.json")),
  );
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", file("main.ts")],
    cwd: fileURLToPath(root),
  }).output();
  const { redirects } = JSON.parse(new TextDecoder().decode(stdout)) as {
    redirects: Record<string, string>;
  };
  // "npm:/hono@^4/factory" and "npm:hono@^4" both stand for the entry "npm:hono@^4".
  const used = Object.keys(redirects).map((specifier) => specifier.replace("npm:/", "npm:"));
  const kept = Object.entries(imports as Record<string, string>).filter(([, target]) =>
    !target.startsWith("npm:") ||
    used.some((specifier) => specifier === target || specifier.startsWith(`${target}/`))
  );
  const config = file(`.compile-${Deno.pid}.json`);
  const lock = file(`.compile-${Deno.pid}.lock`);
  await Deno.writeTextFile(config, JSON.stringify({ ...rest, imports: Object.fromEntries(kept) }));
  await Deno.copyFile(file("deno.lock"), lock);
  return {
    config,
    lock,
    async [Symbol.asyncDispose]() {
      for (const path of [config, lock]) await Deno.remove(path);
    },
  };
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await compile(Deno.args));
