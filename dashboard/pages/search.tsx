/** Finds out what a text is: a topic, a group, or a message's id or key in any topic. */

import { useEffect, useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { ErrorNote } from "../components/form.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { useLoad } from "../hooks.ts";
import type { Message } from "../message.ts";
import { hrefOf } from "../router.ts";
import { Link, useRoute, useText } from "../state.tsx";
import { MessageDialog } from "./message_dialog.tsx";
import { MessageTable } from "./message_results.tsx";

const NAMES_SHOWN = "10";
/** Topics that are looked through; each costs one look into an index. */
const TOPICS_MAX = "1000";
const CONCURRENCY = 8;
const PREVIEW_BYTES = "200";

export function SearchPage() {
  const t = useText();
  const { query: { q = "", open }, setQuery } = useRoute();
  const found = useMessages(q);
  const { messages, done, total, error } = found;
  const topicOf = messages.find(({ offsetMsgId }) => offsetMsgId === open)?.topic ?? "";
  return (
    <Page title={t("search.title")} lead={t("search.for", { text: q })}>
      <Names q={q} />
      <ErrorNote error={error} />
      <Panel title={t("search.messages")}>
        <p role="status" class="quiet-text">{t("search.looking", { done, total })}</p>
        {done === total && messages.length === 0
          ? (
            <Empty title={t("search.nothing")}>
              <p>{t("search.nothingHelp")}</p>
            </Empty>
          )
          : <MessageTable messages={messages} />}
      </Panel>
      {open !== undefined && (
        <MessageDialog
          id={open}
          topic={topicOf}
          onClose={() => setQuery({ open: undefined })}
        />
      )}
    </Page>
  );
}

/** Topics and groups that are called so. */
function Names({ q }: { q: string }) {
  const t = useText();
  const names = useLoad(async (signal) => {
    const query = { search: q, limit: NAMES_SHOWN };
    const init = { init: { signal } };
    const [topics, groups] = await Promise.all([
      read(api.topics.$get({ query }, init)),
      read(api.groups.$get({ query }, init)),
    ]);
    return {
      topics: topics.items.map(({ topic }) => topic),
      groups: groups.items.map(({ group }) => group),
    };
  }, q);
  return (
    <Await of={names}>
      {(found) => (
        <>
          {(["topics", "groups"] as const).filter((kind) => found[kind].length > 0).map((kind) => (
            <Panel key={kind} title={t(`search.${kind}`)}>
              <ul class="names">
                {found[kind].map((name) => (
                  <li key={name}>
                    <Link href={hrefOf([kind, name])}>{name}</Link>
                  </li>
                ))}
              </ul>
            </Panel>
          ))}
        </>
      )}
    </Await>
  );
}

interface Found {
  messages: readonly Message[];
  done: number;
  total: number;
  error: Error | undefined;
}

/** Looks a key or an id up in one topic after the other, some at a time. */
function useMessages(q: string): Found {
  const [found, setFound] = useState<Found>({ messages: [], done: 0, total: 0, error: undefined });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const look = async () => {
      setFound({ messages: [], done: 0, total: 1, error: undefined });
      const query = { type: "normal" as const, limit: TOPICS_MAX };
      const { items } = await read(api.topics.$get({ query }, { init: { signal } }));
      const topics = items.map(({ topic }) => topic);
      setFound({ messages: [], done: 0, total: topics.length, error: undefined });
      const next = topics.values();
      const work = async () => {
        for (const topic of next) {
          const messages = await byKey(topic, q, signal);
          if (signal.aborted) return;
          setFound((before) => ({
            ...before,
            done: before.done + 1,
            messages: [...before.messages, ...messages],
          }));
        }
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    };
    look().catch((error) => {
      if (!signal.aborted) setFound((before) => ({ ...before, error }));
    });
    return () => controller.abort();
  }, [q]);
  return found;
}

/** An offsetMsgId says its topic itself; keys and unique keys are in each topic's index. */
async function byKey(topic: string, key: string, signal: AbortSignal): Promise<Message[]> {
  const query = { topic, key, bodyLimit: PREVIEW_BYTES };
  const found = await read(api.messages.$get({ query }, { init: { signal } }));
  return (found as { messages: Message[] }).messages;
}
