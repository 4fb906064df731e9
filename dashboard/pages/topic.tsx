/** One topic. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { Await, Badge, Page, Panel, Tabs } from "../components/page.tsx";
import { Stats } from "../components/stats.tsx";
import { formatBytes, formatCount, formatRate, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useRoute, useText } from "../state.tsx";
import { DeleteTopic } from "./topic_delete.tsx";
import { TopicConsumers, TopicQueues, TopicRoute } from "./topic_parts.tsx";
import { TopicSettings } from "./topic_settings.tsx";

const RELOAD_MILLIS = 2_000;
const TABS = ["queues", "consumers", "route", "settings"] as const;

export function TopicPage({ id: topic }: { id: string }) {
  const t = useText();
  const { query } = useRoute();
  const [isDeleting, setDeleting] = useState(false);
  const param = { topic };
  const found = useLoad(
    (signal) => read(api.topics[":topic"].$get({ param }, { init: { signal } })),
    topic,
  );
  const stats = useLoad(
    (signal) => read(api.topics[":topic"].stats.$get({ param }, { init: { signal } })),
    topic,
    RELOAD_MILLIS,
  );
  const tab = query["tab"] ?? "queues";
  return (
    <Page
      title={topic}
      parent={{ href: "/topics", title: t("nav.topics") }}
      lead={found.data && <Badge>{found.data.messageType}</Badge>}
      actions={
        <>
          <Link class="button" href={hrefOf(["messages"], { topic })}>{t("topic.browse")}</Link>
          <Link class="button" href={hrefOf(["lookback"], { topic })}>{t("topic.lookback")}</Link>
          <button type="button" class="danger" onClick={() => setDeleting(true)}>
            {t("action.delete")}
          </button>
        </>
      }
    >
      <Await of={stats}>
        {(stats) => (
          <>
            <Failures failures={stats.failures} />
            <Stats
              rows={[
                { label: t("topic.messages"), value: formatCount(stats.messageCount) },
                {
                  label: t("topic.in"),
                  value: formatRate(stats.putTps) + t("unit.perSecond"),
                  note: formatBytes(stats.putBytesPerSecond) + t("unit.perSecond"),
                },
                { label: t("topic.today"), value: formatCount(stats.putCountDay) },
                {
                  label: t("topic.lastMessage"),
                  value: formatTime(lastOf(stats.queues)).slice(11) || "–",
                  note: formatTime(lastOf(stats.queues)).slice(0, 10),
                },
              ]}
            />
          </>
        )}
      </Await>
      <Tabs
        label={t("topic.parts")}
        current={tab}
        tabs={TABS.map((id) => ({
          id,
          title: t(`topic.tab.${id}`),
          href: hrefOf(["topics", topic], { tab: id === "queues" ? undefined : id }),
        }))}
      />
      <Panel>
        {tab === "queues" && <TopicQueues topic={topic} queues={stats.data?.queues ?? []} />}
        {tab === "consumers" && <TopicConsumers topic={topic} />}
        {tab === "route" && <TopicRoute topic={topic} />}
        {tab === "settings" && (
          <Await of={found}>
            {(topic) => <TopicSettings topic={topic} onSaved={found.reload} />}
          </Await>
        )}
      </Panel>
      {isDeleting && <DeleteTopic topic={topic} onClose={() => setDeleting(false)} />}
    </Page>
  );
}

function lastOf(queues: readonly { lastUpdateTimestamp: number }[]): number {
  return Math.max(0, ...queues.map(({ lastUpdateTimestamp }) => lastUpdateTimestamp));
}
