/** One group: how far it is, who is in it, its settings. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { Await, Page, Panel, Tabs } from "../components/page.tsx";
import { Stats } from "../components/stats.tsx";
import { formatCount, formatDuration, formatRate } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { useRoute, useText } from "../state.tsx";
import { CloneDialog, DeleteGroup, SkipDialog } from "./group_actions.tsx";
import { GroupMembers } from "./group_members.tsx";
import { GroupProgress } from "./group_progress.tsx";
import { GroupSettings } from "./group_settings.tsx";
import { ResetDialog } from "./reset.tsx";

const RELOAD_MILLIS = 2_000;
const TABS = ["progress", "members", "settings"] as const;
const DIALOGS = {
  reset: ResetDialog,
  skip: SkipDialog,
  clone: CloneDialog,
  delete: DeleteGroup,
} as const;

export function GroupPage({ id: group }: { id: string }) {
  const t = useText();
  const { query: { tab = "progress" } } = useRoute();
  const [dialog, setDialog] = useState<keyof typeof DIALOGS>();
  const param = { group };
  const found = useLoad(
    (signal) => read(api.groups[":group"].$get({ param }, { init: { signal } })),
    group,
  );
  const progress = useLoad(
    (signal) => {
      const args = { param, query: {} };
      return read(api.groups[":group"].progress.$get(args, { init: { signal } }));
    },
    group,
    RELOAD_MILLIS,
  );
  const Open = dialog && DIALOGS[dialog];
  return (
    <Page
      title={group}
      parent={{ href: "/groups", title: t("nav.groups") }}
      actions={
        <>
          {(["reset", "skip", "clone"] as const).map((name) => (
            <button
              key={name}
              type="button"
              onClick={() => setDialog(name)}
            >
              {t(`group.${name}`)}
            </button>
          ))}
          <button type="button" class="danger" onClick={() => setDialog("delete")}>
            {t("action.delete")}
          </button>
        </>
      }
    >
      {found.data && found.data.differingBrokerNames.length > 0 && (
        <p class="note warn">
          {t("group.differs", { brokers: found.data.differingBrokerNames.join(", ") })}
        </p>
      )}
      <Await of={progress}>
        {({ diffTotal, consumeTps, inflightTotal, delayMillisMax, failures }) => (
          <>
            <Failures failures={failures} />
            <Stats
              rows={[
                { label: t("groups.lag"), value: formatCount(diffTotal) },
                {
                  label: t("group.delay"),
                  value: diffTotal === 0 ? "–" : formatDuration(delayMillisMax),
                },
                { label: t("groups.rate"), value: formatRate(consumeTps) + t("unit.perSecond") },
                { label: t("group.inflight"), value: formatCount(inflightTotal) },
              ]}
            />
          </>
        )}
      </Await>
      <Tabs
        label={t("group.parts")}
        current={tab}
        tabs={TABS.map((id) => ({
          id,
          title: t(`group.tab.${id}`),
          href: hrefOf(["groups", group], { tab: id === "progress" ? undefined : id }),
        }))}
      />
      {tab === "progress" && progress.data && (
        <Panel>
          <GroupProgress queues={progress.data.queues} />
        </Panel>
      )}
      {tab === "members" && <GroupMembers group={group} />}
      {tab === "settings" && (
        <Panel>
          <Await of={found}>
            {(settings) => <GroupSettings group={settings} onSaved={found.reload} />}
          </Await>
        </Panel>
      )}
      {Open && <Open group={group} onClose={() => setDialog(undefined)} />}
    </Page>
  );
}
