/** Dialogs of a group: skip what has piled up, give its offsets to another, delete it. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { ConfirmName, FormDialog } from "../components/dialog.tsx";
import { Await } from "../components/page.tsx";
import { useToast } from "../components/toast.tsx";
import { GroupField } from "../components/topic_field.tsx";
import { useLoad } from "../hooks.ts";
import { useRoute, useText } from "../state.tsx";
import { ResetTable } from "./reset.tsx";

export interface GroupDialogProps {
  group: string;
  onClose: () => void;
}

export function SkipDialog({ group, onClose }: GroupDialogProps) {
  const t = useText();
  const say = useToast();
  const skip = (dryRun: boolean) =>
    read(api.groups[":group"].skip.$post({ param: { group }, json: { dryRun } }));
  const preview = useLoad(() => skip(true), group);
  return (
    <FormDialog
      title={t("group.skip")}
      submitLabel={t("group.skip")}
      isDangerous
      isWide
      onClose={onClose}
      onSubmit={async () => {
        const { resets } = await skip(false);
        say(t("skip.done", { count: resets.reduce((sum, { skipCount }) => sum + skipCount, 0) }));
      }}
    >
      <p>{t("skip.explain")}</p>
      <Await of={preview}>
        {({ resets }) => (
          <>
            {resets.map((reset) => (
              <div key={reset.topic}>
                <h3>{reset.topic}</h3>
                <ResetTable reset={reset} />
              </div>
            ))}
          </>
        )}
      </Await>
    </FormDialog>
  );
}

export function CloneDialog({ group, onClose }: GroupDialogProps) {
  const t = useText();
  const say = useToast();
  const [destGroup, setDestGroup] = useState("");
  return (
    <FormDialog
      title={t("group.clone")}
      submitLabel={t("group.clone")}
      onClose={onClose}
      onSubmit={async () => {
        await read(api.groups[":group"].clone.$post({ param: { group }, json: { destGroup } }));
        say(t("clone.done", { group: destGroup }));
      }}
    >
      <p>{t("clone.explain")}</p>
      <GroupField label={t("clone.to")} value={destGroup} onChange={setDestGroup} required />
    </FormDialog>
  );
}

export function DeleteGroup({ group, onClose }: GroupDialogProps) {
  const t = useText();
  const say = useToast();
  const { go } = useRoute();
  const remove = (dryRun: "true" | "false") =>
    read(api.groups[":group"].$delete({ param: { group }, query: { dryRun } }));
  const preview = useLoad(() => remove("true"), group);
  return (
    <ConfirmName
      title={t("group.delete")}
      name={group}
      submitLabel={t("action.delete")}
      onClose={onClose}
      onSubmit={async () => {
        await remove("false");
        say(t("group.deleted", { group }));
        go("/groups");
      }}
    >
      <Await of={preview}>
        {({ topics, clientCount: count }) => (
          <p class="note bad">
            {t("group.deleteWarning", { topics: topics.join(", ") || "–", count })}
          </p>
        )}
      </Await>
    </ConfirmName>
  );
}
