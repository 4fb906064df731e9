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
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--allow-all",
      V8_FLAGS,
      `--config=${fileURLToPath(new URL("deno.json", root))}`,
      ...INCLUDED_FILES.map((file) => `--include=${fileURLToPath(new URL(file, root))}`),
      ...(target === undefined ? [] : [`--target=${target}`]),
      `--output=${output}`,
      fileURLToPath(new URL("main.ts", root)),
    ],
  }).spawn().status;
  return code;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await compile(Deno.args));
