/** One broker: what it holds, its settings, and all that it says of itself. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { CheckField, TextField } from "../components/form.tsx";
import { Await, Page, Panel, Tabs } from "../components/page.tsx";
import { SettingsForm } from "../components/settings_form.tsx";
import { Stats } from "../components/stats.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { formatBytes, formatDuration, formatPercent, formatRate, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { useRoute, useText } from "../state.tsx";

const RELOAD_MILLIS = 3_000;
const TABS = ["settings", "figures"] as const;

export function BrokerPage({ id: name }: { id: string }) {
  const t = useText();
  const { query: { tab = "settings" } } = useRoute();
  const broker = useLoad(
    (signal) => {
      return read(api.brokers[":name"].$get({ param: { name }, query: {} }, { init: { signal } }));
    },
    name,
    RELOAD_MILLIS,
  );
  return (
    <Page title={name} parent={{ href: "/cluster", title: t("nav.cluster") }}>
      <Await of={broker}>
        {({ runtime, brokerAddr }) => (
          <Stats
            rows={[
              {
                label: t("cluster.in"),
                value: formatRate(runtime.putTps.tenSeconds) + t("unit.perSecond"),
                note: brokerAddr,
              },
              {
                label: t("broker.latency"),
                value: `${formatDuration(runtime.putLatency99)} / ${
                  formatDuration(runtime.putLatency999)
                }`,
              },
              {
                label: t("broker.log"),
                value: formatBytes(runtime.commitLogMaxOffset - runtime.commitLogMinOffset),
                note: runtime.version,
              },
              { label: t("cluster.disk"), value: formatPercent(runtime.commitLogDiskRatio) },
              {
                label: t("broker.oldest"),
                value: formatTime(runtime.earliestMessageTimeStamp).slice(5, 16) || "–",
                note: `${t("cluster.since")} ${formatTime(runtime.bootTimestamp)}`,
              },
            ]}
          />
        )}
      </Await>
      <Tabs
        label={t("broker.parts")}
        current={tab}
        tabs={TABS.map((id) => ({
          id,
          title: t(`broker.tab.${id}`),
          href: hrefOf(["cluster", name], { tab: id === "settings" ? undefined : id }),
        }))}
      />
      <Panel>
        {tab === "settings" && <BrokerSettings name={name} />}
        {tab === "figures" && broker.data && (
          <Table
            label={t("broker.tab.figures")}
            rows={Object.entries(broker.data.runtimeInfo)}
            rowKey={([figure]) => figure}
            columns={[
              { title: t("settings.name"), cell: ([figure]) => <code>{figure}</code> },
              { title: t("broker.value"), cell: ([, value]) => value },
            ]}
          />
        )}
      </Panel>
    </Page>
  );
}

interface Setting {
  name: string;
  value: string;
  changeable: boolean;
  description?: string | undefined;
  expected?: string | undefined;
  default?: string | undefined;
}

function BrokerSettings({ name }: { name: string }) {
  const loaded = useLoad(
    (signal) => read(api.brokers[":name"].config.$get({ param: { name } }, { init: { signal } })),
    name,
  );
  return (
    <Await of={loaded}>
      {({ settings }) => <SettingList name={name} settings={settings} onSaved={loaded.reload} />}
    </Await>
  );
}

interface SettingListProps {
  name: string;
  settings: readonly Setting[];
  onSaved: () => void;
}

function SettingList({ name, settings, onSaved }: SettingListProps) {
  const t = useText();
  const say = useToast();
  const [search, setSearch] = useState("");
  const [isAll, setAll] = useState(false);
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const changed = settings.filter((row) => (typed[row.name] ?? row.value) !== row.value);
  const shown = settings.filter((row) =>
    (isAll || row.changeable) && row.name.toLowerCase().includes(search.toLowerCase())
  );
  const save = async () => {
    const json = Object.fromEntries(
      changed.map((row) => [row.name, typedValue(row.value, typed[row.name]!)]),
    );
    await read(api.brokers[":name"].config.$patch({ param: { name }, json }));
    setTyped({});
    say(t("settings.saved"));
    onSaved();
  };
  return (
    <SettingsForm
      save={save}
      differences={changed.map(({ name, value }) => ({ name, before: value, after: typed[name]! }))}
    >
      <div class="bar">
        <div class="grow">
          <TextField
            type="search"
            isBare
            label={t("table.search")}
            placeholder={t("table.search")}
            value={search}
            onChange={setSearch}
          />
        </div>
        <CheckField
          label={t("broker.onlyChangeable")}
          value={!isAll}
          onChange={(value) => setAll(!value)}
        />
      </div>
      <Table
        label={t("broker.tab.settings")}
        rows={shown}
        rowKey={({ name }) => name}
        rowClass={(row) => changed.includes(row) ? "active" : undefined}
        columns={[
          {
            title: t("settings.name"),
            cell: ({ name, description }) => (
              <>
                <code>{name}</code>
                {description && <small class="under">{description}</small>}
              </>
            ),
          },
          {
            title: t("broker.value"),
            cell: (row) => (
              <>
                {row.changeable
                  ? (
                    <TextField
                      isBare
                      isMono
                      label={row.name}
                      value={typed[row.name] ?? row.value}
                      onChange={(value) => setTyped({ ...typed, [row.name]: value })}
                    />
                  )
                  : <span class="mono">{row.value || "–"}</span>}
                {row.changeable && row.expected && (
                  <small class="under">
                    {t("broker.expected", { expected: row.expected })}{" "}
                    {row.default !== undefined && t("broker.default", { value: row.default })}
                  </small>
                )}
              </>
            ),
          },
        ]}
      />
    </SettingsForm>
  );
}

/** A number or a switch where the setting is one. */
function typedValue(before: string, after: string): string | number | boolean {
  if (/^(true|false)$/.test(before) && /^(true|false)$/.test(after)) return after === "true";
  return /^-?\d+$/.test(before) && /^-?\d+$/.test(after) ? Number(after) : after;
}
