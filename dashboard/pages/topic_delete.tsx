/** The dialog that deletes a topic, after saying what is lost by it. */

import { api, read } from "../api.ts";
import { ConfirmName } from "../components/dialog.tsx";
import { Await } from "../components/page.tsx";
import { useToast } from "../components/toast.tsx";
import { useLoad } from "../hooks.ts";
import { useRoute, useText } from "../state.tsx";

/** Groups that are named in the warning. */
const GROUPS_SHOWN = 10;

export function DeleteTopic({ topic, onClose }: { topic: string; onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const { go } = useRoute();
  const remove = (dryRun: "true" | "false") =>
    read(api.topics[":topic"].$delete({ param: { topic }, query: { dryRun } }));
  const preview = useLoad(() => remove("true"), topic);
  return (
    <ConfirmName
      title={t("topic.delete")}
      name={topic}
      submitLabel={t("action.delete")}
      onClose={onClose}
      onSubmit={async () => {
        await remove("false");
        say(t("topic.deleted", { topic }));
        go("/topics");
      }}
    >
      <Await of={preview}>
        {({ messageCount: count, brokerNames, groups }) => (
          <>
            <p class="note bad">
              {t("topic.deleteWarning", { count, brokers: brokerNames.join(", ") })}
            </p>
            {groups.length > 0 && (
              <p>
                {t("topic.deleteGroups", {
                  count: groups.length,
                  groups: groups.slice(0, GROUPS_SHOWN).join(", "),
                })}
              </p>
            )}
          </>
        )}
      </Await>
    </ConfirmName>
  );
}
