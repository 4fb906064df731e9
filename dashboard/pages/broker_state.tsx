/** How a broker does: its traffic, its store files, how long it keeps them, and what waits. */

import { Fragment } from "preact";
import { api, read } from "../api.ts";
import { Facts, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatPercent,
  formatRate,
  formatTime,
} from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";
import type { TextKey } from "../texts/all.ts";

interface Rates {
  tenSeconds: number;
  minute: number;
  tenMinutes: number;
}

interface DayCounts {
  yesterday: number;
  today: number;
}

/** As the API gives it. */
export interface Runtime {
  bootTimestamp: number;
  putTps: Rates;
  getFoundTps: Rates;
  getMissTps: Rates;
  getTransferredTps: Rates;
  putCount: DayCounts;
  getCount: DayCounts;
  putMessageAverageSize: number;
  putLatency99: number;
  putLatency999: number;
  commitLogMinOffset: number;
  commitLogMaxOffset: number;
  commitLogDiskRatio: number;
  dispatchBehindBytes: number;
  earliestMessageTimeStamp: number;
  threadPools: {
    name: string;
    queueSize: number;
    queueCapacity: number;
    headWaitTimeMillis: number;
  }[];
  delayLevels: { level: number; delayOffset: number; maxOffset: number }[];
}

interface BrokerStateProps {
  name: string;
  runtime: Runtime;
  /** What has no figure of its own in `runtime`, in the broker's words. */
  runtimeInfo: Readonly<Record<string, string>>;
}

export function BrokerState({ name, runtime, runtimeInfo }: BrokerStateProps) {
  const t = useText();
  const config = useLoad(
    (signal) => read(api.brokers[":name"].config.$get({ param: { name } }, { init: { signal } })),
    name,
  );
  const settings = Object.fromEntries(
    config.data?.settings.map(({ name, value }) => [name, value]) ?? [],
  );
  return (
    <>
      <Traffic runtime={runtime} />
      <div class="columns">
        <Panel title={t("broker.store")}>
          <StoreFacts runtime={runtime} runtimeInfo={runtimeInfo} settings={settings} />
        </Panel>
        <Panel
          title={t("broker.retention")}
          actions={
            <Link
              class="button"
              href={hrefOf(["cluster", name], { tab: "settings", search: "fileReservedTime" })}
            >
              {t("broker.changeRetention")}
            </Link>
          }
        >
          <RetentionFacts runtime={runtime} runtimeInfo={runtimeInfo} settings={settings} />
        </Panel>
      </div>
      <div class="columns">
        <ThreadPools pools={runtime.threadPools} />
        <DelayLevels levels={runtime.delayLevels} />
      </div>
    </>
  );
}

function Traffic({ runtime }: { runtime: Runtime }) {
  const t = useText();
  const rows: readonly (readonly [TextKey, Rates, DayCounts?])[] = [
    ["broker.rate.put", runtime.putTps, runtime.putCount],
    ["broker.rate.transferred", runtime.getTransferredTps, runtime.getCount],
    ["broker.rate.found", runtime.getFoundTps],
    ["broker.rate.miss", runtime.getMissTps],
  ];
  const rate = (title: TextKey, of: keyof Rates) => ({
    title: t(title),
    isNumber: true,
    cell: ([, rates]: (typeof rows)[number]) => formatRate(rates[of]) + t("unit.perSecond"),
  });
  const count = (title: TextKey, of: keyof DayCounts) => ({
    title: t(title),
    isNumber: true,
    isExtra: true,
    cell: ([, , counts]: (typeof rows)[number]) => counts ? formatCount(counts[of]) : "–",
  });
  return (
    <Panel title={t("broker.traffic")}>
      <Table
        label={t("broker.traffic")}
        rows={rows}
        rowKey={([title]) => title}
        columns={[
          { title: t("settings.name"), cell: ([title]) => t(title) },
          rate("broker.tenSeconds", "tenSeconds"),
          rate("broker.minute", "minute"),
          rate("broker.tenMinutes", "tenMinutes"),
          count("broker.today", "today"),
          count("broker.yesterday", "yesterday"),
        ]}
      />
    </Panel>
  );
}

interface FactsProps extends Omit<BrokerStateProps, "name"> {
  /** By name; none as long as they are not loaded. */
  settings: Readonly<Record<string, string>>;
}

function StoreFacts({ runtime, runtimeInfo, settings }: FactsProps) {
  const t = useText();
  const { commitLogMinOffset: min, commitLogMaxOffset: max } = runtime;
  const fileBytes = Number(settings["mappedFileSizeCommitLog"] ?? 0);
  const count = fileBytes > 0 ? Math.ceil(max / fileBytes) - Math.floor(min / fileBytes) : 0;
  const files = t("broker.filesOf", { count, size: formatBytes(fileBytes) });
  return (
    <Facts
      rows={[
        [t("broker.log"), formatBytes(max - min)],
        [t("broker.files"), fileBytes > 0 ? files : "–"],
        [t("broker.offsets"), `${formatCount(min)} – ${formatCount(max)}`],
        [t("broker.averageSize"), formatBytes(runtime.putMessageAverageSize)],
        [t("broker.flush"), settings["flushDiskType"] ?? "–"],
        [t("broker.toFlush"), runtimeInfo["remainHowManyDataToFlush"] ?? "–"],
        [t("broker.behind"), formatBytes(runtime.dispatchBehindBytes)],
      ]}
    />
  );
}

function RetentionFacts({ runtime, runtimeInfo, settings }: FactsProps) {
  const t = useText();
  const { fileReservedTime, deleteWhen, diskMaxUsedSpaceRatio } = settings;
  const used = (part: number) => (
    <>
      {t("broker.used", { part: formatPercent(part) })}
      <meter min={0} max={1} value={part} aria-hidden="true" />
    </>
  );
  const queuePart = Number(runtimeInfo["consumeQueueDiskRatio"]);
  return (
    <Facts
      rows={[
        [t("broker.oldest"), formatTime(runtime.earliestMessageTimeStamp)],
        [
          t("broker.kept"),
          fileReservedTime === undefined
            ? "–"
            : t("broker.hours", { count: Number(fileReservedTime) }),
        ],
        [
          t("broker.deleteWhen"),
          deleteWhen === undefined ? "–" : t("broker.atHour", { hour: deleteWhen }),
        ],
        [t("broker.diskMax"), diskMaxUsedSpaceRatio ? `${diskMaxUsedSpaceRatio} %` : "–"],
        [
          t("broker.logDisk"),
          <Fragment key="disk">
            {used(runtime.commitLogDiskRatio)}
            <small>{runtimeInfo["commitLogDirCapacity"]}</small>
          </Fragment>,
        ],
        [t("broker.queueDisk"), queuePart >= 0 ? used(queuePart) : "–"],
      ]}
    />
  );
}

/** Nothing for a broker that has no pools, as Comet has none. */
function ThreadPools({ pools }: { pools: Runtime["threadPools"] }) {
  const t = useText();
  if (pools.length === 0) return null;
  return (
    <Panel title={t("broker.pools")}>
      <Table
        label={t("broker.pools")}
        rows={pools}
        rowKey={({ name }) => name}
        rowClass={(row) => row.queueSize > row.queueCapacity / 2 ? "warn" : undefined}
        columns={[
          { title: t("broker.pool"), cell: ({ name }) => name },
          { title: t("broker.waiting"), isNumber: true, cell: (row) => formatCount(row.queueSize) },
          {
            title: t("broker.capacity"),
            isNumber: true,
            cell: ({ queueCapacity }) => formatCount(queueCapacity),
          },
          {
            title: t("broker.headWait"),
            isNumber: true,
            cell: ({ headWaitTimeMillis }) => formatDuration(headWaitTimeMillis),
          },
        ]}
      />
    </Panel>
  );
}

function DelayLevels({ levels }: { levels: Runtime["delayLevels"] }) {
  const t = useText();
  if (levels.length === 0) return null;
  return (
    <Panel title={t("broker.delays")}>
      <Table
        label={t("broker.delays")}
        rows={levels}
        rowKey={({ level }) => String(level)}
        columns={[
          { title: t("broker.level"), cell: ({ level }) => level },
          {
            title: t("broker.delivered"),
            isNumber: true,
            cell: ({ delayOffset }) => formatCount(delayOffset),
          },
          {
            title: t("broker.pending"),
            isNumber: true,
            cell: ({ delayOffset, maxOffset }) => formatCount(Math.max(0, maxOffset - delayOffset)),
          },
        ]}
      />
    </Panel>
  );
}
