/** The busiest topics, and the groups with most before them. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Await, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatRate } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { useLive } from "../live.ts";
import type { GroupState } from "../problems.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";

/** Topics that are watched; where there are more, the list of topics has them. */
const WATCHED = "50";
const SHOWN = 8;
const RELOAD_MILLIS = 10_000;

interface TopicSample {
  topic: string;
  inTps: number;
  messageCount: number;
}

export function TopTopics({ empty }: { empty: ComponentChildren }) {
  const t = useText();
  const [samples, setSamples] = useState<Readonly<Record<string, TopicSample>>>({});
  const topics = useLoad(
    (signal) => {
      const query = { type: "normal" as const, limit: WATCHED };
      return read(api.topics.$get({ query }, { init: { signal } }));
    },
    "topics",
    RELOAD_MILLIS,
  );
  const names = topics.data?.items.map(({ topic }) => topic) ?? [];
  useLive<TopicSample>(names.length === 0 ? undefined : { feed: "topics", topics: names }, {
    onData: (sample) => setSamples((before) => ({ ...before, [sample.topic]: sample })),
  });
  const rows = names.map((topic) => samples[topic] ?? { topic, inTps: 0, messageCount: 0 })
    .sort((a, b) => b.inTps - a.inTps || b.messageCount - a.messageCount).slice(0, SHOWN);
  return (
    <Panel
      title={t("overview.topics")}
      actions={<Link href="/topics">{t("overview.allTopics")}</Link>}
    >
      <Await of={topics}>
        {({ total }) =>
          total === 0 ? empty : (
            <Table
              label={t("overview.topics")}
              rows={rows}
              rowKey={({ topic }) => topic}
              columns={[
                {
                  title: t("topics.name"),
                  cell: ({ topic }) => (
                    <Link href={hrefOf(["topics", topic])} class="name">{topic}</Link>
                  ),
                },
                {
                  title: t("overview.in"),
                  isNumber: true,
                  cell: ({ inTps }) => formatRate(inTps) + t("unit.perSecond"),
                },
                {
                  title: t("topic.messages"),
                  isNumber: true,
                  cell: ({ messageCount }) => formatCount(messageCount),
                },
              ]}
            />
          )}
      </Await>
    </Panel>
  );
}

export function TopGroups({ groups }: { groups: readonly GroupState[] }) {
  const t = useText();
  return (
    <Panel
      title={t("overview.groups")}
      actions={<Link href="/groups">{t("overview.allGroups")}</Link>}
    >
      {groups.length === 0 ? <p class="quiet-text">{t("overview.noGroups")}</p> : (
        <Table
          label={t("overview.groups")}
          rows={groups}
          rowKey={({ group }) => group}
          columns={[
            {
              title: t("groups.name"),
              cell: ({ group }) => (
                <Link href={hrefOf(["groups", group])} class="name">{group}</Link>
              ),
            },
            {
              title: t("groups.lag"),
              isNumber: true,
              cell: ({ diffTotal = 0 }) => formatCount(diffTotal),
            },
            {
              title: t("groups.rate"),
              isNumber: true,
              cell: ({ consumeTps = 0 }) => formatRate(consumeTps) + t("unit.perSecond"),
            },
          ]}
        />
      )}
    </Panel>
  );
}
