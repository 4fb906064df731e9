/** Messages that wait for their time. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { TopicField } from "../components/topic_field.tsx";
import { formatDuration, formatTime } from "../format.ts";
import { useLoad, useSettled } from "../hooks.ts";
import { useRoute, useText } from "../state.tsx";

const RELOAD_MILLIS = 5_000;
const SHOWN_MAX = "200";

export function DelayedPage() {
  const t = useText();
  const { query: { topic = "" }, setQuery } = useRoute();
  const [recalled, setRecalled] = useState<string>();
  const wanted = useSettled(topic);
  const timers = useLoad(
    (signal) => {
      const query = { limit: SHOWN_MAX, ...(wanted === "" ? {} : { topic: wanted }) };
      return read(api.timers.$get({ query }, { init: { signal } }));
    },
    wanted,
    RELOAD_MILLIS,
  );
  return (
    <Page title={t("nav.delayed")} lead={t("delayed.lead")}>
      <div class="bar">
        <TopicField
          label={t("messages.topic")}
          value={topic}
          onChange={(topic) => setQuery({ topic })}
        />
      </div>
      <Await of={timers}>
        {({ timers, scanned, isComplete }) => (
          <Panel>
            {!isComplete && <p class="quiet-text">{t("delayed.incomplete", { count: scanned })}</p>}
            {timers.length === 0
              ? (
                <Empty title={t("delayed.none")} command={delayedCommand()}>
                  <p>{t("delayed.noneHelp")}</p>
                </Empty>
              )
              : (
                <Table
                  label={t("nav.delayed")}
                  rows={timers}
                  rowKey={({ offsetMsgId }) => offsetMsgId}
                  columns={[
                    {
                      title: t("delayed.due"),
                      cell: ({ deliverAt }) => (
                        <>
                          {formatTime(deliverAt)}{" "}
                          <small>
                            {t("delayed.in", {
                              time: formatDuration(Math.max(0, deliverAt - Date.now())),
                            })}
                          </small>
                        </>
                      ),
                    },
                    { title: t("messages.topic"), cell: ({ topic }) => topic },
                    {
                      title: t("messages.keys"),
                      cell: ({ keys }) => <span class="mono name">{keys.join(" ")}</span>,
                    },
                    {
                      title: t("message.id"),
                      isExtra: true,
                      cell: (row) => <code>{row.msgId}</code>,
                    },
                    {
                      title: "",
                      cell: ({ recallHandle }) =>
                        recallHandle && (
                          <button
                            type="button"
                            onClick={() => setRecalled(recallHandle)}
                          >
                            {t("delayed.cancel")}
                          </button>
                        ),
                    },
                  ]}
                />
              )}
          </Panel>
        )}
      </Await>
      {recalled !== undefined && (
        <RecallDialog
          recallHandle={recalled}
          onClose={() => setRecalled(undefined)}
          onDone={timers.reload}
        />
      )}
    </Page>
  );
}

function delayedCommand(): string {
  return `curl ${location.origin}/api/messages -H 'content-type: application/json' \\
  -d '{"topic": "Reminders", "delayMillis": 3600000, "body": "in an hour"}'`;
}

interface RecallDialogProps {
  recallHandle: string;
  onClose: () => void;
  onDone: () => void;
}

function RecallDialog({ recallHandle, onClose, onDone }: RecallDialogProps) {
  const t = useText();
  const say = useToast();
  const recall = async () => {
    const { msgId } = await read(api.timers.recall.$post({ json: { recallHandle } }));
    say(t("delayed.cancelled", { id: msgId }));
    onDone();
  };
  return (
    <FormDialog
      title={t("delayed.cancelTitle")}
      submitLabel={t("delayed.cancel")}
      onSubmit={recall}
      onClose={onClose}
      isDangerous
    >
      <p>{t("delayed.cancelHelp")}</p>
    </FormDialog>
  );
}
