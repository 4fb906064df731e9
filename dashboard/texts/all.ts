/** The texts of all pages. */

import { messageTexts } from "./messages.ts";
import { shellTexts } from "./shell.ts";
import { topicTexts } from "./topics.ts";
import { fillText, type Language, LANGUAGES, type TextValues } from "./text.ts";

export const TEXTS = { ...shellTexts, ...topicTexts, ...messageTexts } as const;
export type TextKey = keyof typeof TEXTS;

/** The text of a key in a language. */
export function translate(language: Language, key: TextKey, values: TextValues = {}): string {
  return fillText(TEXTS[key][LANGUAGES[language]], values);
}
