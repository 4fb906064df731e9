/** Makes what a release consists of: `deno task release [--output DIR] [--only NAME]`. */

import { parseArgs } from "@std/cli/parse-args";
import { fileURLToPath } from "node:url";
import { releaseNotes } from "./release_notes.ts";
import { collectSbom } from "./sbom.ts";

/** The binaries by name, with the triple that `deno compile --target` takes. */
export const RELEASE_TARGETS: Readonly<Record<string, string>> = {
  "comet-linux-x64": "x86_64-unknown-linux-gnu",
  "comet-linux-arm64": "aarch64-unknown-linux-gnu",
  "comet-macos-x64": "x86_64-apple-darwin",
  "comet-macos-arm64": "aarch64-apple-darwin",
  "comet-windows-x64.exe": "x86_64-pc-windows-msvc",
};

const ROOT = new URL("../", import.meta.url);

/** Lines as `sha256sum -c` reads them, for these files of a folder. */
export async function checksums(folder: string, names: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    names.toSorted().map(async (name) => {
      const digest = await crypto.subtle.digest(
        "SHA-256",
        await Deno.readFile(`${folder}/${name}`),
      );
      const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0"));
      return `${hex.join("")}  ${name}\n`;
    }),
  );
  return lines.join("");
}

async function compile(name: string, folder: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("tools/compile.ts", ROOT))]
      .concat("--target", RELEASE_TARGETS[name]!, "--output", `${folder}/${name}`),
  }).spawn().status;
  if (!success) throw new Error(`Cannot compile ${name}`);
}

async function makeRelease(folder: string, names: readonly string[]): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const changelog = await Deno.readTextFile(new URL("CHANGELOG.md", ROOT));
  await Deno.writeTextFile(`${folder}/NOTES.md`, releaseNotes(changelog, version));
  for (const name of names) await compile(name, folder);
  const sbom = `comet-${version}.cdx.json`;
  await Deno.writeTextFile(`${folder}/${sbom}`, await collectSbom(version));
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, await checksums(folder, [...names, sbom]));
}

if (import.meta.main) {
  const { output, only } = parseArgs(Deno.args, { string: ["output", "only"] }) as {
    output?: string;
    only?: string;
  };
  const names = Object.keys(RELEASE_TARGETS).filter((name) => only === undefined || name === only);
  if (names.length === 0) {
    throw new Error(`No binary ${only}; there are ${Object.keys(RELEASE_TARGETS)}`);
  }
  await makeRelease(output ?? "dist", names);
}
