/** A page's texts: one row each, in every language. */

/**
 * A key with the text in English and in Chinese. `{name}` is replaced by a value; `{n:message|messages}` gives the
 * first word when n is one, else the second.
 */
export type TextTable = Readonly<Record<string, readonly [english: string, chinese: string]>>;

export const LANGUAGES = { en: 0, zh: 1 } as const;
export type Language = keyof typeof LANGUAGES;
export type TextValues = Readonly<Record<string, string | number>>;

/** The text with its values put in. */
export function fillText(text: string, values: TextValues): string {
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
    const value = values[name];
    if (one === undefined) return typeof value === "number" ? grouped(value) : value ?? "";
    return value === 1 ? one : many;
  });
}

/** Of the languages that a browser prefers, the first that there is. */
export function preferredLanguage(tags: readonly string[]): Language {
  const found = tags.map((tag) => tag.slice(0, 2)).find((tag) => tag in LANGUAGES);
  return (found ?? "en") as Language;
}

function grouped(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(value);
}
