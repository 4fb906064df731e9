/** The part of CHANGELOG.md that belongs to one version: `release_notes.ts VERSION`. */

const UNRELEASED = "Unreleased";

/**
 * What stands below `## VERSION` (which a date may follow), or below `## Unreleased` while the version has no heading.
 * @throws when there is neither, or nothing below it.
 */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1).map((section) => {
    const [title = "", ...lines] = section.split("\n");
    return { title: title.trim(), text: lines.join("\n").trim() };
  });
  const found = sections.find(({ title }) => title.split(/[\s(]/)[0] === version) ??
    sections.find(({ title }) => title === UNRELEASED);
  if (found === undefined || found.text === "") {
    throw new Error(`CHANGELOG.md says nothing about ${version}`);
  }
  return `${found.text}\n`;
}

if (import.meta.main) {
  const [version] = Deno.args;
  if (version === undefined) throw new Error("Usage: release_notes.ts VERSION");
  const changelog = await Deno.readTextFile(new URL("../CHANGELOG.md", import.meta.url));
  Deno.stdout.writeSync(new TextEncoder().encode(releaseNotes(changelog, version)));
}
