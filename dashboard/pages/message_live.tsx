/** Messages as they come, the newest first; as many as can be looked at. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ErrorNote } from "../components/form.tsx";
import { Panel } from "../components/page.tsx";
import { formatRate } from "../format.ts";
import { useLive } from "../live.ts";
import type { Message } from "../message.ts";
import { type FilterKind, filterOf } from "../message_search.ts";
import { useText } from "../state.tsx";
import { MessageTable } from "./message_results.tsx";

/** Rows that are kept. */
const SHOWN_MAX = 100;
/** The table is drawn anew at most so often, however fast messages come. */
const DRAW_MILLIS = 250;
const PREVIEW_BYTES = 200;

interface Tail {
  readonly messages: readonly Message[];
  readonly count: number;
  readonly dropped: number;
}

const EMPTY: Tail = { messages: [], count: 0, dropped: 0 };

interface LiveTailProps {
  topic: string;
  filter: FilterKind;
  filterValue: string;
}

export function LiveTail({ topic, filter, filterValue }: LiveTailProps) {
  const t = useText();
  const [isPaused, setPaused] = useState(false);
  const [shown, setShown] = useState(EMPTY);
  const tail = useRef(EMPTY);
  const startedAt = useRef(performance.now());
  const { isOpen, problem } = useLive<Message>(
    { feed: "tail", topic, bodyLimit: PREVIEW_BYTES, ...filterOf({ filter, filterValue }) },
    {
      onData: (message) => {
        const { messages, count, dropped } = tail.current;
        tail.current = {
          messages: [message, ...messages.slice(0, SHOWN_MAX - 1)],
          count: count + 1,
          dropped,
        };
      },
      onDropped: (count) => {
        tail.current = { ...tail.current, dropped: tail.current.dropped + count };
      },
    },
  );
  useEffect(() => {
    if (isPaused) return;
    const timer = setInterval(() => setShown(tail.current), DRAW_MILLIS);
    return () => clearInterval(timer);
  }, [isPaused]);
  const seconds = Math.max(1, (performance.now() - startedAt.current) / 1000);
  const all = shown.count + shown.dropped;
  return (
    <>
      <ErrorNote error={problem === undefined ? undefined : new Error(problem)} />
      <Panel>
        <header class="progress">
          <span role="status" class="quiet-text">
            {isOpen || problem !== undefined ? "" : `${t("live.lost")} `}
            {all === 0
              ? t("live.waiting")
              : t("live.shown", { count: all, rate: formatRate(all / seconds) })}
            {shown.dropped > 0 && ` · ${t("live.dropped", { count: shown.dropped })}`}
          </span>
          <button type="button" onClick={() => setPaused(!isPaused)}>
            {t(isPaused ? "live.resume" : "live.pause")}
          </button>
        </header>
        <MessageTable messages={shown.messages} />
      </Panel>
    </>
  );
}
