/** Sends the dead letters of a group again, after showing what would go where. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { SelectField } from "../components/form.tsx";
import { Await } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { formatCount } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { useText } from "../state.tsx";

/** What the API sends at once; where there are more, the dialog is opened again. */
const SENT_MAX = 1000;
const TARGETS = ["group", "topic"] as const;

export function ResendDeadLetters({ group, onClose }: { group: string; onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const [to, setTo] = useState<(typeof TARGETS)[number]>("group");
  const resend = (dryRun: boolean) => {
    const json = { to, dryRun, limit: SENT_MAX };
    return read(api.dlq[":group"].resend.$post({ param: { group }, json }));
  };
  const preview = useLoad(() => resend(true), to);
  const send = async () => {
    const { resentCount, failedCount: count, messages } = await resend(false);
    const why = messages.find(({ problem }) => problem !== undefined)?.problem ?? "";
    if (count > 0) throw new Error(t("dlq.failed", { count, why }));
    say(t("dlq.sent", { count: resentCount }));
  };
  return (
    <FormDialog
      title={t("dlq.sendAll")}
      submitLabel={t("dlq.sendAll")}
      onSubmit={send}
      onClose={onClose}
      isReady={(preview.data?.messages.length ?? 0) > 0}
    >
      <SelectField
        label={t("dlq.to")}
        value={to}
        onChange={setTo}
        options={TARGETS.map((target) => [target, t(`dlq.to.${target}`)])}
      />
      <Await of={preview}>
        {({ messages }) => (
          <>
            <p>{t("dlq.sendAllTo", { count: messages.length })}</p>
            <Table
              label={t("dlq.sendAll")}
              rows={Object.entries(Object.groupBy(messages, ({ toTopic = "–" }) => toTopic))}
              rowKey={([topic]) => topic}
              columns={[
                { title: t("dlq.to"), cell: ([topic]) => topic },
                {
                  title: t("dlq.count"),
                  isNumber: true,
                  cell: ([, list = []]) => formatCount(list.length),
                },
              ]}
            />
          </>
        )}
      </Await>
    </FormDialog>
  );
}
