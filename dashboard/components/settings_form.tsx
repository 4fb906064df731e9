/** Changing settings in two steps: the fields, then what changes, before it is saved. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useText } from "../state.tsx";
import { FormDialog } from "./dialog.tsx";
import { Table } from "./table.tsx";

/** One setting whose value differs. */
export interface Difference {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export interface SettingsFormProps {
  differences: readonly Difference[];
  /** Throws with the reason when it was refused. */
  save: () => Promise<void>;
  /** What to know before saving. */
  warning?: ComponentChildren;
  children: ComponentChildren;
}

/** A form whose button shows the differences first. */
export function SettingsForm({ differences, save, warning, children }: SettingsFormProps) {
  const t = useText();
  const [isReviewed, setReviewed] = useState(false);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setReviewed(true);
      }}
    >
      {children}
      <div class="form-end">
        <button type="submit" class="primary" disabled={differences.length === 0}>
          {t("settings.review")}
        </button>
        {differences.length === 0 && <small>{t("settings.noDiff")}</small>}
      </div>
      {isReviewed && (
        <FormDialog
          title={t("settings.diff")}
          submitLabel={t("action.save")}
          onSubmit={save}
          onClose={() => setReviewed(false)}
        >
          {warning && <p class="note warn">{warning}</p>}
          <DifferenceTable differences={differences} />
        </FormDialog>
      )}
    </form>
  );
}

/** Each setting with its value before and after. */
export function DifferenceTable({ differences }: { differences: readonly Difference[] }) {
  const t = useText();
  return (
    <Table
      label={t("settings.diff")}
      rows={differences}
      rowKey={({ name }) => name}
      columns={[
        { title: t("settings.name"), cell: ({ name }) => <code>{name}</code> },
        { title: t("settings.before"), cell: ({ before }) => <del>{before || "–"}</del> },
        { title: t("settings.after"), cell: ({ after }) => <ins>{after || "–"}</ins> },
      ]}
    />
  );
}
