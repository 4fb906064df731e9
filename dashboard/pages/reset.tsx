/** Taking a group to another place in a topic: preview, apply, and back again. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { Failures } from "../components/failures.tsx";
import { ErrorNote, SelectField, TextField } from "../components/form.tsx";
import { Table } from "../components/table.tsx";
import { TopicField } from "../components/topic_field.tsx";
import { formatCount, fromLocalInput, toLocalInput } from "../format.ts";
import { useAction } from "../hooks.ts";
import { useText } from "../state.tsx";

/** Where to: one of the API's three ways to say it. */
export type ResetTarget =
  | { timestamp: number }
  | { to: "earliest" | "latest" }
  | { offsets: Record<string, number> };

interface QueueReset {
  brokerName: string;
  queueId: number;
  oldOffset?: number | undefined;
  newOffset: number;
  replayCount: number;
  skipCount: number;
}

interface Reset {
  topic: string;
  online: boolean;
  replayCount: number;
  skipCount: number;
  queues: QueueReset[];
  failures: { brokerName: string; brokerAddr: string; detail: string }[];
}

/** Where each queue of a reset was, to go back there; queues without an offset stay where they are. */
export function previousOffsets(queues: readonly QueueReset[]): Record<string, number> {
  return Object.fromEntries(
    queues.flatMap(({ brokerName, queueId, oldOffset }) =>
      oldOffset === undefined ? [] : [[`${brokerName}:${queueId}`, oldOffset]]
    ),
  );
}

/** By queue: old offset, new offset, and how many messages that is. */
export function ResetTable({ reset }: { reset: Reset }) {
  const t = useText();
  return (
    <>
      <Failures failures={reset.failures} />
      <Table
        label={t("reset.preview")}
        rows={reset.queues}
        rowKey={({ brokerName, queueId }) => `${brokerName}:${queueId}`}
        columns={[
          { title: t("queue.id"), cell: (row) => `${row.brokerName} · ${row.queueId}` },
          {
            title: t("reset.old"),
            isNumber: true,
            cell: ({ oldOffset }) => oldOffset === undefined ? "–" : formatCount(oldOffset),
          },
          {
            title: t("reset.new"),
            isNumber: true,
            cell: ({ newOffset }) => <b>{formatCount(newOffset)}</b>,
          },
          {
            title: t("reset.again"),
            isNumber: true,
            cell: ({ replayCount }) => formatCount(replayCount),
          },
          {
            title: t("reset.skipped"),
            isNumber: true,
            cell: ({ skipCount }) => formatCount(skipCount),
          },
        ]}
      />
    </>
  );
}

export interface ResetToolProps {
  group: string;
  topic: string;
  target: ResetTarget;
}

/** Previews the target, applies it, and can go back while it is on the page. */
export function ResetTool({ group, topic, target }: ResetToolProps) {
  const t = useText();
  const [preview, setPreview] = useState<{ reset: Reset; key: string }>();
  const [undo, setUndo] = useState<Record<string, number>>();
  const [said, setSaid] = useState<"reset.done" | "reset.undone">();
  const key = JSON.stringify([group, topic, target]);
  const reset = (to: ResetTarget, dryRun: boolean) => {
    const json = { topic, dryRun, ...to };
    return read(api.groups[":group"].reset.$post({ param: { group }, json }));
  };
  const look = useAction(async () => {
    setSaid(undefined);
    setPreview({ reset: await reset(target, true), key });
  });
  const apply = useAction(async () => {
    const { queues } = await reset(target, false);
    setPreview(undefined);
    setUndo(previousOffsets(queues));
    setSaid("reset.done");
  });
  const goBack = useAction(async () => {
    await reset({ offsets: undo! }, false);
    setUndo(undefined);
    setSaid("reset.undone");
  });
  // A preview of something else says nothing of what would be applied.
  const shown = preview?.key === key ? preview.reset : undefined;
  return (
    <div class="stack">
      {said && (
        <p class="note ok" role="status">
          {t(said, { group })}
          {undo && (
            <button type="button" disabled={goBack.isRunning} onClick={() => goBack.run()}>
              {t("reset.undo")}
            </button>
          )}
        </p>
      )}
      <ErrorNote error={look.error ?? apply.error ?? goBack.error} />
      {shown && (
        <>
          <p>
            {t("reset.summary", { again: shown.replayCount, skipped: shown.skipCount })}{" "}
            {t(shown.online ? "reset.online" : "reset.offline")}
          </p>
          <ResetTable reset={shown} />
        </>
      )}
      <div class="actions">
        <button
          type="button"
          class={shown ? undefined : "primary"}
          disabled={look.isRunning}
          onClick={() => look.run()}
        >
          {t("reset.preview")}
        </button>
        {shown && (
          <button
            type="button"
            class="primary"
            disabled={apply.isRunning}
            onClick={() => apply.run()}
          >
            {t("reset.apply", { group })}
          </button>
        )}
      </div>
    </div>
  );
}

type Where = "time" | "earliest" | "latest";
const PLACES = ["time", "earliest", "latest"] as const;
const HOUR_MILLIS = 3_600_000;

export function ResetDialog({ group, onClose }: { group: string; onClose: () => void }) {
  const t = useText();
  const [topic, setTopic] = useState("");
  const [where, setWhere] = useState<Where>("time");
  const [time, setTime] = useState(() => toLocalInput(Date.now() - HOUR_MILLIS));
  const timestamp = fromLocalInput(time);
  const target = where !== "time"
    ? { to: where }
    : timestamp === undefined
    ? undefined
    : { timestamp };
  return (
    <Dialog title={`${t("group.reset")} · ${group}`} onClose={onClose} isWide>
      <div class="stack">
        <div class="fields">
          <TopicField label={t("reset.topic")} value={topic} onChange={setTopic} autoFocus />
          <SelectField
            label={t("reset.target")}
            value={where}
            options={PLACES.map((each) => [each, t(`reset.${each}`)])}
            onChange={setWhere}
          />
          {where === "time" && (
            <TextField
              type="datetime-local"
              label={t("messages.time")}
              value={time}
              onChange={setTime}
            />
          )}
        </div>
        {topic !== "" && target && <ResetTool group={group} topic={topic} target={target} />}
      </div>
    </Dialog>
  );
}
