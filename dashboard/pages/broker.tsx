/** One broker: how it does, its settings, and all that it says of itself. */

import { api, read } from "../api.ts";
import { Await, Badge, Page, Panel, Tabs } from "../components/page.tsx";
import { Stats } from "../components/stats.tsx";
import { Table } from "../components/table.tsx";
import { formatBytes, formatDuration, formatPercent, formatRate, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { useRoute, useText } from "../state.tsx";
import { BrokerSettings } from "./broker_settings.tsx";
import { BrokerState, type Runtime } from "./broker_state.tsx";
import { WritePerm } from "./write_perm.tsx";

const RELOAD_MILLIS = 3_000;
const TABS = ["state", "settings", "figures"] as const;

export function BrokerPage({ id: name }: { id: string }) {
  const t = useText();
  const { query: { tab = "state", id: brokerId } } = useRoute();
  // Settings and the permission to write are asked of masters, and hold for the slaves.
  const isMaster = Number(brokerId ?? 0) === 0;
  const broker = useLoad(
    (signal) => {
      const query = isMaster ? {} : { brokerId };
      return read(api.brokers[":name"].$get({ param: { name }, query }, { init: { signal } }));
    },
    `${name} ${brokerId}`,
    RELOAD_MILLIS,
  );
  const { data } = broker;
  return (
    <Page
      title={name}
      parent={{ href: "/cluster", title: t("nav.cluster") }}
      lead={
        <>
          <Badge kind={isMaster ? "accent" : "plain"}>
            {isMaster ? t("cluster.master") : t("cluster.slave", { id: brokerId ?? "" })}
          </Badge>{" "}
          {data && `${data.clusterName} · ${data.brokerAddr} · ${data.runtime.version}`}
        </>
      }
      actions={isMaster && <WritePerm name={name} />}
    >
      <Await of={broker}>{({ runtime }) => <BrokerStats runtime={runtime} />}</Await>
      <Tabs
        label={t("broker.parts")}
        current={tab}
        tabs={TABS.filter((tab) => isMaster || tab !== "settings").map((id) => ({
          id,
          title: t(`broker.tab.${id}`),
          href: hrefOf(["cluster", name], { tab: id === "state" ? undefined : id, id: brokerId }),
        }))}
      />
      {tab === "state" && data && <BrokerState name={name} {...data} />}
      {tab === "settings" && <BrokerSettings name={name} />}
      {tab === "figures" && data && <Figures texts={data.runtimeInfo} />}
    </Page>
  );
}

function BrokerStats({ runtime }: { runtime: Runtime }) {
  const t = useText();
  const perSecond = t("unit.perSecond");
  const { commitLogMinOffset, commitLogMaxOffset } = runtime;
  return (
    <Stats
      rows={[
        { label: t("cluster.in"), value: formatRate(runtime.putTps.tenSeconds) + perSecond },
        {
          label: t("cluster.out"),
          value: formatRate(runtime.getTransferredTps.tenSeconds) + perSecond,
        },
        {
          label: t("broker.latency"),
          value: `${formatDuration(runtime.putLatency99)} / ${
            formatDuration(runtime.putLatency999)
          }`,
        },
        { label: t("broker.log"), value: formatBytes(commitLogMaxOffset - commitLogMinOffset) },
        { label: t("cluster.disk"), value: formatPercent(runtime.commitLogDiskRatio) },
        {
          label: t("cluster.since"),
          value: formatTime(runtime.bootTimestamp).slice(11) || "–",
          note: formatTime(runtime.bootTimestamp).slice(0, 10),
        },
      ]}
    />
  );
}

function Figures({ texts }: { texts: Readonly<Record<string, string>> }) {
  const t = useText();
  return (
    <Panel>
      <Table
        label={t("broker.tab.figures")}
        rows={Object.entries(texts).sort()}
        rowKey={([figure]) => figure}
        columns={[
          { title: t("settings.name"), cell: ([figure]) => <code class="part">{figure}</code> },
          { title: t("broker.value"), cell: ([, value]) => <span class="part">{value}</span> },
        ]}
      />
    </Panel>
  );
}
