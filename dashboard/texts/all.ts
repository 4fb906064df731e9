/** The texts of all pages. */

import { clusterTexts } from "./cluster.ts";
import { groupTexts } from "./groups.ts";
import { messageTexts } from "./messages.ts";
import { overviewTexts } from "./overview.ts";
import { pendingTexts } from "./pending.ts";
import { shellTexts } from "./shell.ts";
import { topicTexts } from "./topics.ts";
import { fillText, type Language, LANGUAGES, type TextValues } from "./text.ts";

export const TEXTS = {
  ...shellTexts,
  ...topicTexts,
  ...messageTexts,
  ...groupTexts,
  ...overviewTexts,
  ...pendingTexts,
  ...clusterTexts,
} as const;
export type TextKey = keyof typeof TEXTS;

/** The text of a key in a language. */
export function translate(language: Language, key: TextKey, values: TextValues = {}): string {
  return fillText(TEXTS[key][LANGUAGES[language]], values);
}
