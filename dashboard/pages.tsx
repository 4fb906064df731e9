/** Which page a URL shows, by the first part of its path: a list, and one entry of it. */

import type { ComponentType } from "preact";
import { MessagesPage } from "./pages/messages.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { TopicPage } from "./pages/topic.tsx";
import { TopicsPage } from "./pages/topics.tsx";

interface Pages {
  readonly list?: ComponentType<{ id: string }>;
  /** Of `/name/id`. */
  readonly entry?: ComponentType<{ id: string }>;
}

export const PAGES: Readonly<Record<string, Pages>> = {
  "": { list: OverviewPage },
  messages: { list: MessagesPage },
  topics: { list: TopicsPage, entry: TopicPage },
};
