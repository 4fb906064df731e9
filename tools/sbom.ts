/**
 * The bill of materials of the binary, as CycloneDX 1.6 JSON (https://cyclonedx.org/docs/1.6/json/): every package that
 * main.ts and the dashboard import, with the checksums of deno.lock, and the runtime.
 */

import { fileURLToPath } from "node:url";

/** A package as `deno info --json` tells of it. */
export interface InfoPackage {
  readonly name: string;
  readonly version: string;
  /** Keys of other packages. */
  readonly dependencies: readonly string[];
  readonly localPath?: string;
}

export interface SbomParts {
  readonly version: string;
  /** By the keys that `dependencies` use. */
  readonly packages: Readonly<Record<string, InfoPackage>>;
  /** Of deno.lock, by the same keys: `sha512-` and base64. */
  readonly integrity: ReadonlyMap<string, string>;
  /** SPDX ids or expressions, by the same keys. */
  readonly licenses: ReadonlyMap<string, string>;
  readonly denoVersion: string;
}

/** Builds the document. */
export function makeSbom(parts: SbomParts): object {
  const { version, packages, denoVersion } = parts;
  const root = `pkg:generic/comet@${version}`;
  const deno = {
    type: "platform",
    "bom-ref": `pkg:github/denoland/deno@v${denoVersion}`,
    name: "deno",
    version: denoVersion,
    purl: `pkg:github/denoland/deno@v${denoVersion}`,
    licenses: [{ license: { id: "MIT" } }],
  };
  const entries = Object.entries(packages).toSorted(([a], [b]) => a < b ? -1 : 1);
  const refs = new Map(entries.map(([key, { name, version }]) => [key, purl(name, version)]));
  const dependencies = entries.map(([key, { dependencies }]) => ({
    ref: refs.get(key),
    dependsOn: dependencies.flatMap((other) => refs.get(other) ?? []).toSorted(),
  }));
  const inner = new Set(entries.flatMap(([, { dependencies }]) => dependencies));
  const direct = entries.filter(([key]) => !inner.has(key)).map(([key]) => refs.get(key)!);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": root,
        name: "comet",
        version,
        purl: root,
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components: [deno, ...entries.map(([key, info]) => component(key, info, parts))],
    dependencies: [
      { ref: root, dependsOn: [deno["bom-ref"], ...direct] },
      { ref: deno["bom-ref"], dependsOn: [] },
      ...dependencies,
    ],
  };
}

function component(key: string, { name, version }: InfoPackage, parts: SbomParts): object {
  const [algorithm, base64] = (parts.integrity.get(key) ?? "").split("-");
  const license = parts.licenses.get(key);
  return {
    type: "library",
    "bom-ref": purl(name, version),
    name,
    version,
    purl: purl(name, version),
    ...algorithm === "sha512" && base64 !== undefined
      ? { hashes: [{ alg: "SHA-512", content: hexOfBase64(base64) }] }
      : {},
    ...license === undefined ? {} : { licenses: [{ expression: license }] },
  };
}

/** A package URL; the @ of a scope is written as %40. */
function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function hexOfBase64(base64: string): string {
  return [...atob(base64)].map((character) => character.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("");
}

const ROOT = new URL("../", import.meta.url);
/** What the binary's code and the dashboard's files are made of. */
const ENTRY_FILES = ["main.ts", "dashboard/main.tsx"] as const;

/** Gathers what the document needs and writes it as text. */
export async function collectSbom(version: string): Promise<string> {
  const packages: Record<string, InfoPackage> = {};
  for (const file of ENTRY_FILES) Object.assign(packages, await packagesOf(file));
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  const integrity = new Map(
    Object.entries(lock.npm as Record<string, { integrity: string }>)
      .map(([key, { integrity }]) => [key, integrity]),
  );
  const licenses = new Map<string, string>();
  for (const [key, { localPath }] of Object.entries(packages)) {
    if (localPath === undefined) continue;
    const { license } = JSON.parse(await Deno.readTextFile(`${localPath}/package.json`));
    if (typeof license === "string") licenses.set(key, license);
  }
  const parts = { version, packages, integrity, licenses, denoVersion: Deno.version.deno };
  return `${JSON.stringify(makeSbom(parts), undefined, 2)}\n`;
}

async function packagesOf(file: string): Promise<Record<string, InfoPackage>> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(file, ROOT))],
    cwd: fileURLToPath(ROOT),
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout)).npmPackages;
}
