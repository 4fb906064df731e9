import { assert, assertEquals, assertThrows } from "@std/assert";
import { checksums, RELEASE_TARGETS } from "../../tools/release.ts";
import { releaseNotes } from "../../tools/release_notes.ts";
import { collectSbom, makeSbom } from "../../tools/sbom.ts";

const CHANGELOG = `# Changelog

## Unreleased

- new

## 0.2.0 (2026-12-01)

### Fixes

- mended

## 0.2.0-rc.1

- tried
`;

Deno.test("releaseNotes() takes the version's part, or what is unreleased", () => {
  assertEquals(releaseNotes(CHANGELOG, "0.2.0"), "### Fixes\n\n- mended\n");
  assertEquals(releaseNotes(CHANGELOG, "0.2.0-rc.1"), "- tried\n");
  assertEquals(releaseNotes(CHANGELOG, "0.3.0"), "- new\n");
  assertThrows(() => releaseNotes("# Changelog\n\n## Unreleased\n", "1.0.0"), Error, "1.0.0");
});

Deno.test("the CHANGELOG has notes for the present version", () => {
  const { version } = JSON.parse(Deno.readTextFileSync("deno.json"));
  assert(releaseNotes(Deno.readTextFileSync("CHANGELOG.md"), version).length > 100);
});

Deno.test("checksums() are what sha256sum checks", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of ["b", "a"]) await Deno.writeTextFile(`${folder}/${name}`, name);
  await Deno.writeTextFile(`${folder}/SHA256SUMS`, await checksums(folder, ["b", "a"]));
  const check = { args: ["--check", "--strict", "SHA256SUMS"], cwd: folder };
  const { stdout } = await new Deno.Command("sha256sum", check).output();
  assertEquals(new TextDecoder().decode(stdout), "a: OK\nb: OK\n");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a release has binaries for Linux, macOS and Windows", () => {
  const triples = Object.values(RELEASE_TARGETS).toSorted();
  assertEquals(triples, [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
  ]);
});

Deno.test("makeSbom() lists packages with checksums, licences and what depends on what", () => {
  const sbom = makeSbom({
    version: "1.0.0",
    packages: {
      "@s/a@1": { name: "@s/a", version: "1", dependencies: ["b@2"] },
      "b@2": { name: "b", version: "2", dependencies: [] },
    },
    integrity: new Map([["b@2", "sha512-AAEC"]]),
    licenses: new Map([["b@2", "MIT"]]),
    denoVersion: "2.9.6",
  }) as {
    components: { purl: string; hashes?: unknown; licenses?: unknown }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  assertEquals(sbom.components.map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40s/a@1",
    "pkg:npm/b@2",
  ]);
  assertEquals(sbom.components[2]!.hashes, [{ alg: "SHA-512", content: "000102" }]);
  assertEquals(sbom.components[2]!.licenses, [{ expression: "MIT" }]);
  const dependsOn = Object.fromEntries(
    sbom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]),
  );
  assertEquals(dependsOn["pkg:generic/comet@1.0.0"], [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40s/a@1",
  ]);
  assertEquals(dependsOn["pkg:npm/%40s/a@1"], ["pkg:npm/b@2"]);
});

Deno.test("collectSbom() finds every package of the program and the dashboard in deno.lock", async () => {
  const sbom = JSON.parse(await collectSbom("1.0.0"));
  const names = sbom.components.map(({ name }: { name: string }) => name);
  for (const name of ["hono", "zod", "preact"]) assert(names.includes(name), name);
  for (const one of sbom.components.slice(1)) {
    assertEquals(one.hashes?.[0].content.length, 128, one.name);
    assert(one.licenses !== undefined, `${one.name} has no licence`);
  }
});
