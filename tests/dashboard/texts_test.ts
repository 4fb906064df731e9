import { assertEquals } from "@std/assert";
import { TEXTS, translate } from "../../dashboard/texts/all.ts";
import { fillText, preferredLanguage } from "../../dashboard/texts/text.ts";

function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)/g)].map(([, name]) => name!))].sort();
}

Deno.test("every text has the same values in both languages", () => {
  const different = Object.entries(TEXTS).filter(([, [english, chinese]]) =>
    placeholders(english).join() !== placeholders(chinese).join()
  );
  assertEquals(different, []);
});

Deno.test("every text is used", () => {
  const sources = [...sourceTexts("dashboard")].join("\n");
  // Keys of which a part is computed are used as a whole group.
  const groups = [...sources.matchAll(/[`"]([a-z]\w*(?:\.\w+)*\.)\$\{/gi)].map(([, start]) =>
    start!
  );
  const unused = Object.keys(TEXTS).filter((key) =>
    !sources.includes(`"${key}"`) && !groups.some((start) => key.startsWith(start))
  );
  assertEquals(unused, []);
});

function* sourceTexts(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name === "dist" || name === "texts") continue;
    if (isDirectory) yield* sourceTexts(`${folder}/${name}`);
    else if (/\.tsx?$/.test(name)) yield Deno.readTextFileSync(`${folder}/${name}`);
  }
}

Deno.test("fillText() puts values in, groups digits and chooses between one and many", () => {
  const text = "{count} {count:message|messages} of {topic}";
  assertEquals(fillText(text, { count: 1, topic: "T" }), "1 message of T");
  assertEquals(fillText(text, { count: 12345, topic: "T" }), "12,345 messages of T");
  assertEquals(translate("zh", "action.save"), "保存");
});

Deno.test("preferredLanguage() takes the first language that there is, else English", () => {
  assertEquals(preferredLanguage(["fr-FR", "zh-CN", "en"]), "zh");
  assertEquals(preferredLanguage(["fr"]), "en");
});
