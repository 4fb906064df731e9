/** Is everything well? */

import { useRef, useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Chart } from "../components/chart.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { type Stat, Stats } from "../components/stats.tsx";
import { formatBytes, formatCount, formatDuration, formatPercent, formatRate } from "../format.ts";
import { type Loaded, useLoad } from "../hooks.ts";
import { useLive } from "../live.ts";
import { type ClusterState, findProblems, type GroupState } from "../problems.ts";
import { hrefOf } from "../router.ts";
import { Link, type Translate, useText } from "../state.tsx";
import { sendCommand } from "./message_results.tsx";
import { TopGroups, TopTopics } from "./overview_lists.tsx";

const CLUSTER_MILLIS = 5_000;
const GROUPS_SHOWN = "8";
const HOUR_MILLIS = 3_600_000;

interface Sample {
  timestamp: number;
  inTps: number;
  outTps: number;
  inBytesPerSecond: number;
  brokers: readonly { putLatency99Millis?: number | undefined; diskRatio: number }[];
}

export function OverviewPage() {
  const t = useText();
  const cluster = useLoad(
    (signal) => read(api.cluster.$get({}, { init: { signal } })),
    "cluster",
    CLUSTER_MILLIS,
  );
  const groups = useLoad(
    (signal) => {
      const query = {
        progress: "true" as const,
        sort: "-diffTotal",
        limit: GROUPS_SHOWN,
        type: "normal" as const,
      };
      return read(api.groups.$get({ query }, { init: { signal } }));
    },
    "groups",
    CLUSTER_MILLIS,
  );
  const clients = useLoad(
    (signal) => read(api.clients.$get({ query: { limit: "1" } }, { init: { signal } })),
    "clients",
    CLUSTER_MILLIS,
  );
  const samples = useSamples();
  const lag = groups.data?.items.reduce((sum, { diffTotal = 0 }) => sum + diffTotal, 0);
  return (
    <Page title={t("nav.overview")}>
      <Problems cluster={cluster} groups={groups.data?.items ?? []} />
      <Stats rows={statsOf(t, samples.at(-1), { lag, clients: clients.data?.total })} />
      <Panel title={t("overview.rates")}>
        <Chart
          label={t("overview.rates")}
          times={samples.map(({ timestamp }) => timestamp)}
          series={[
            {
              label: t("overview.in"),
              color: "--series-1",
              values: samples.map(({ inTps }) => inTps),
            },
            {
              label: t("overview.out"),
              color: "--series-2",
              values: samples.map(({ outTps }) => outTps),
            },
          ]}
          format={formatRate}
        />
      </Panel>
      <div class="columns">
        <TopTopics empty={<FirstMessage />} />
        <Await of={groups}>{({ items }) => <TopGroups groups={items} />}</Await>
      </div>
    </Page>
  );
}

/** The last hour, which the server keeps, and what comes in each second since the page is open. */
function useSamples(): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const isFirst = useRef(true);
  const past = useLoad(
    (signal) => read(api.rates.$get({ query: { minutes: "60" } }, { init: { signal } })),
    "rates",
  );
  useLive<Sample>({ feed: "cluster" }, {
    onData: (sample) => {
      // The meter's first look has nothing to compare with.
      if (isFirst.current) return void (isFirst.current = false);
      const since = sample.timestamp - HOUR_MILLIS;
      setSamples((before) => [...before.filter(({ timestamp }) => timestamp > since), sample]);
    },
  });
  const first = samples[0]?.timestamp ?? Infinity;
  const kept = past.data?.samples.filter(({ timestamp }) => timestamp < first) ?? [];
  return [...kept, ...samples];
}

interface Totals {
  lag: number | undefined;
  clients: number | undefined;
}

function statsOf(t: Translate, sample: Sample | undefined, { lag, clients }: Totals): Stat[] {
  const perSecond = t("unit.perSecond");
  const of = <T,>(value: T | undefined, format: (value: T) => string) =>
    value === undefined ? "–" : format(value);
  const latencies = sample?.brokers.flatMap(({ putLatency99Millis }) => putLatency99Millis ?? []);
  const latency = latencies?.length ? Math.max(...latencies) : undefined;
  const disk = sample && Math.max(0, ...sample.brokers.map(({ diskRatio }) => diskRatio));
  return [
    {
      label: t("overview.in"),
      value: of(sample?.inTps, formatRate) + perSecond,
      note: of(sample?.inBytesPerSecond, formatBytes) + perSecond,
    },
    { label: t("overview.out"), value: of(sample?.outTps, formatRate) + perSecond },
    { label: t("overview.lag"), value: of(lag, formatCount), note: t("overview.lagNote") },
    {
      label: t("overview.latency"),
      value: of(latency, formatDuration),
      note: t("overview.latencyNote"),
    },
    {
      label: t("overview.disk"),
      value: of(disk, formatPercent),
      note: t("overview.diskNote"),
      kind: disk !== undefined && disk >= 0.85 ? "bad" : undefined,
    },
    {
      label: t("overview.clients"),
      value: of(clients, formatCount),
      note: t("overview.clientsNote"),
    },
  ];
}

interface ProblemsProps {
  cluster: Loaded<ClusterState>;
  groups: readonly GroupState[];
}

/** What is not well, in words that say what to do. */
function Problems({ cluster, groups }: ProblemsProps) {
  const t = useText();
  return (
    <Await of={cluster}>
      {(cluster) => {
        const problems = findProblems(cluster, groups);
        if (problems.length === 0) return <p class="note ok">{t("overview.well")}</p>;
        return problems.map(({ kind, text, values, path }) => (
          <p key={text + JSON.stringify(values)} class={`note ${kind}`}>
            <Link href={hrefOf(path)}>{t(text, values)}</Link>
          </p>
        ));
      }}
    </Await>
  );
}

function FirstMessage() {
  const t = useText();
  return (
    <Empty title={t("overview.first")} command={sendCommand("Orders")}>
      <p>{t("overview.firstHelp", { address: `${location.hostname}:9876` })}</p>
      <Link class="button primary" href={hrefOf(["topics"], { create: 1 })}>
        {t("topics.create")}
      </Link>
    </Empty>
  );
}
