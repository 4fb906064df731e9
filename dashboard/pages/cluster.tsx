/** The brokers of the cluster, its name servers, and its definitions as a document. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { Await, Badge, Empty, Page, Panel } from "../components/page.tsx";
import { Stats } from "../components/stats.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatPercent, formatRate, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, type Translate, useText } from "../state.tsx";
import { ExportDefinitions, ImportDefinitions } from "./definitions.tsx";

const RELOAD_MILLIS = 3_000;

export function ClusterPage() {
  const t = useText();
  const [isImporting, setImporting] = useState(false);
  const cluster = useLoad(
    (signal) => read(api.cluster.$get({}, { init: { signal } })),
    "cluster",
    RELOAD_MILLIS,
  );
  return (
    <Page
      title={t("nav.cluster")}
      lead={t("cluster.lead")}
      actions={
        <>
          <ExportDefinitions />
          <button type="button" onClick={() => setImporting(true)}>
            {t("definitions.import")}
          </button>
        </>
      }
    >
      <Await of={cluster}>
        {({ clusters, brokers, nameServers, failures }) => (
          <>
            <Failures failures={failures} />
            {brokers.length > 0 && <ClusterStats brokers={brokers} />}
            <Panel title={t("cluster.brokers")}>
              {brokers.length === 0
                ? (
                  <Empty
                    title={t("cluster.none")}
                    command={`comet broker --namesrv ${nameServers.join(";")}`}
                  />
                )
                : (
                  <Table
                    label={t("cluster.brokers")}
                    rows={brokers}
                    rowKey={({ brokerAddr }) => brokerAddr}
                    rowClass={({ runtime }) => runtime === undefined ? "bad" : undefined}
                    columns={columnsOf(t, clusters.length > 1)}
                  />
                )}
            </Panel>
            <Panel title={t("cluster.nameServers")}>
              <ul class="names">
                {nameServers.map((address) => (
                  <li key={address}>
                    <code>{address}</code>
                  </li>
                ))}
              </ul>
            </Panel>
          </>
        )}
      </Await>
      {isImporting && <ImportDefinitions onClose={() => setImporting(false)} />}
    </Page>
  );
}

interface BrokerRow {
  clusterName: string;
  brokerName: string;
  brokerId: number;
  brokerAddr: string;
  /** Absent for a broker that does not answer. */
  runtime?: {
    version: string;
    bootTimestamp: number;
    putTps: { tenSeconds: number };
    getTransferredTps: { tenSeconds: number };
    putCount: { today: number };
    commitLogDiskRatio: number;
  } | undefined;
}

/** Sums over masters: what a slave stores was stored already. */
function ClusterStats({ brokers }: { brokers: readonly BrokerRow[] }) {
  const t = useText();
  const perSecond = t("unit.perSecond");
  const runtimes = brokers.flatMap(({ runtime }) => runtime ?? []);
  const masters = brokers.flatMap(({ brokerId, runtime }) => brokerId === 0 ? runtime ?? [] : []);
  const isWhole = runtimes.length === brokers.length;
  const sum = (figure: (runtime: (typeof masters)[number]) => number) =>
    masters.reduce((total, runtime) => total + figure(runtime), 0);
  const fullest = Math.max(0, ...runtimes.map(({ commitLogDiskRatio }) => commitLogDiskRatio));
  return (
    <Stats
      rows={[
        {
          label: t("cluster.brokers"),
          value: brokers.length,
          note: t("cluster.answering", { count: runtimes.length, total: brokers.length }),
          kind: isWhole ? undefined : "bad",
        },
        {
          label: t("cluster.in"),
          value: formatRate(sum(({ putTps }) => putTps.tenSeconds)) + perSecond,
        },
        {
          label: t("cluster.out"),
          value: formatRate(sum((runtime) => runtime.getTransferredTps.tenSeconds)) + perSecond,
        },
        { label: t("cluster.today"), value: formatCount(sum(({ putCount }) => putCount.today)) },
        { label: t("cluster.fullest"), value: formatPercent(fullest) },
      ]}
    />
  );
}

function columnsOf(t: Translate, isOfMany: boolean) {
  const rate = (perSecond: number | undefined) =>
    perSecond === undefined ? "–" : formatRate(perSecond) + t("unit.perSecond");
  const cluster = { title: t("cluster.cluster"), cell: (row: BrokerRow) => row.clusterName };
  return [
    {
      title: t("cluster.broker"),
      cell: ({ brokerName, brokerId }: BrokerRow) => (
        <Link
          href={hrefOf(["cluster", brokerName], { id: brokerId === 0 ? undefined : brokerId })}
          class="name"
        >
          {brokerName}
        </Link>
      ),
    },
    ...(isOfMany ? [cluster] : []),
    {
      title: t("cluster.role"),
      cell: ({ brokerId }: BrokerRow) => (
        <Badge kind={brokerId === 0 ? "accent" : "plain"}>
          {brokerId === 0 ? t("cluster.master") : t("cluster.slave", { id: brokerId })}
        </Badge>
      ),
    },
    {
      title: t("cluster.address"),
      cell: ({ brokerAddr }: BrokerRow) => <span class="nowrap">{brokerAddr}</span>,
    },
    {
      title: t("cluster.in"),
      isNumber: true,
      cell: ({ runtime }: BrokerRow) => rate(runtime?.putTps.tenSeconds),
    },
    {
      title: t("cluster.out"),
      isNumber: true,
      cell: ({ runtime }: BrokerRow) => rate(runtime?.getTransferredTps.tenSeconds),
    },
    {
      title: t("cluster.today"),
      isNumber: true,
      isExtra: true,
      cell: ({ runtime }: BrokerRow) => runtime ? formatCount(runtime.putCount.today) : "–",
    },
    {
      title: t("cluster.disk"),
      isNumber: true,
      cell: ({ runtime }: BrokerRow) => runtime ? formatPercent(runtime.commitLogDiskRatio) : "–",
    },
    {
      title: t("cluster.version"),
      isExtra: true,
      cell: ({ runtime }: BrokerRow) => runtime?.version ?? "–",
    },
    {
      title: t("cluster.since"),
      isExtra: true,
      cell: ({ runtime }: BrokerRow) => (
        <span class="nowrap">{formatTime(runtime?.bootTimestamp)}</span>
      ),
    },
  ];
}
