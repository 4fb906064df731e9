/** A cluster's topics, groups and settings as one document, out and in. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Dialog, FormDialog } from "../components/dialog.tsx";
import { downloadBytes } from "../components/download.ts";
import { AreaField, ErrorNote } from "../components/form.tsx";
import { Badge } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { useAction } from "../hooks.ts";
import { useText } from "../state.tsx";

export function ExportDefinitions() {
  const t = useText();
  const { run, isRunning, error } = useAction(async () => {
    const text = JSON.stringify(await read(api.definitions.$get()), null, 2);
    downloadBytes(new TextEncoder().encode(`${text}\n`), "comet-definitions.json");
  });
  return (
    <>
      <button type="button" disabled={isRunning} onClick={() => run()}>
        {t("definitions.export")}
      </button>
      <ErrorNote error={error} />
    </>
  );
}

interface ImportAnswer {
  created: number;
  updated: number;
  unchanged: number;
  failed: number;
  changes: Change[];
}

interface Change {
  kind: "topic" | "group" | "settings";
  name: string;
  action: "create" | "update" | "unchanged" | "failed";
  detail?: string | undefined;
}

type Document = Parameters<typeof api.definitions.$post>[0]["json"];

/** First the document, then what it would change, and then it is done. */
export function ImportDefinitions({ onClose }: { onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const [text, setText] = useState("");
  const [preview, setPreview] = useState<ImportAnswer>();
  const post = async (dryRun: "true" | "false") => {
    let json: Document;
    try {
      // The server looks at all of it.
      json = JSON.parse(text) as Document;
    } catch (error) {
      throw new Error(t("definitions.noJson", { reason: (error as Error).message }));
    }
    return await read(api.definitions.$post({ query: { dryRun }, json }));
  };
  const apply = async () => {
    const answer = await post("false");
    const { created, updated, failed } = answer;
    if (failed > 0) {
      setPreview({ ...answer, changes: answer.changes.filter((row) => row.action === "failed") });
      throw new Error(t("definitions.failed", { failed }));
    }
    say(t("definitions.done", { created, updated }));
  };
  if (preview === undefined) {
    return (
      <DocumentDialog
        text={text}
        setText={setText}
        onSubmit={async () => setPreview(await post("true"))}
        onClose={onClose}
      />
    );
  }
  return (
    <FormDialog
      title={t("definitions.import")}
      submitLabel={t("definitions.apply")}
      onSubmit={apply}
      isReady={preview.changes.length > 0}
      onClose={onClose}
      isWide
    >
      <p>
        {preview.changes.length === 0 ? t("definitions.same") : t("definitions.wouldDo", {
          created: preview.created,
          updated: preview.updated,
          unchanged: preview.unchanged,
        })}
      </p>
      {preview.changes.length > 0 && <ChangeTable changes={preview.changes} />}
      <button type="button" onClick={() => setPreview(undefined)}>{t("definitions.back")}</button>
    </FormDialog>
  );
}

interface DocumentDialogProps {
  text: string;
  setText: (text: string) => void;
  onSubmit: () => Promise<void>;
  onClose: () => void;
}

function DocumentDialog({ text, setText, onSubmit, onClose }: DocumentDialogProps) {
  const t = useText();
  // It does not close when it is done: the preview takes its place.
  const { run, isRunning, error } = useAction(onSubmit);
  return (
    <Dialog title={t("definitions.import")} onClose={onClose} isWide>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <p>{t("definitions.help")}</p>
        <label class="check">
          {t("definitions.file")}
          <input
            type="file"
            accept=".json,application/json"
            onChange={async (event) => {
              const file = event.currentTarget.files?.[0];
              if (file !== undefined) setText(await file.text());
            }}
          />
        </label>
        <AreaField label={t("definitions.document")} value={text} onChange={setText} rows={12} />
        <ErrorNote error={error} />
        <footer>
          <button type="button" onClick={onClose}>{t("action.cancel")}</button>
          <button type="submit" class="primary" disabled={isRunning || text.trim() === ""}>
            {t("definitions.preview")}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function ChangeTable({ changes }: { changes: readonly Change[] }) {
  const t = useText();
  return (
    <Table
      label={t("definitions.preview")}
      rows={changes}
      rowKey={({ kind, name }) => `${kind} ${name}`}
      rowClass={({ action }) => action === "failed" ? "bad" : undefined}
      columns={[
        { title: t("definitions.kind"), cell: ({ kind }) => t(`definitions.kind.${kind}`) },
        { title: t("definitions.name"), cell: ({ name }) => <span class="name">{name}</span> },
        {
          title: t("definitions.action"),
          cell: ({ action, detail }) => (
            <>
              <Badge kind={action === "failed" ? "bad" : action === "create" ? "ok" : "accent"}>
                {t(`definitions.action.${action}`)}
              </Badge>
              {detail && <small class="under">{detail}</small>}
            </>
          ),
        },
      ]}
    />
  );
}
