/** A broker's settings: what they mean, and changing those that can change while it runs. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { SelectField, TextField } from "../components/form.tsx";
import { SearchField } from "../components/list.tsx";
import { Await, Badge, Panel } from "../components/page.tsx";
import { SettingsForm } from "../components/settings_form.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { useLoad } from "../hooks.ts";
import { useRoute, useText } from "../state.tsx";

interface Setting {
  name: string;
  value: string;
  changeable: boolean;
  description?: string | undefined;
  expected?: string | undefined;
  default?: string | undefined;
}

const VIEWS = {
  changeable: ({ changeable }: Setting) => changeable,
  differs: isOther,
  all: () => true,
} as const;
type View = keyof typeof VIEWS;

export function BrokerSettings({ name }: { name: string }) {
  const t = useText();
  const { query, setQuery } = useRoute();
  const { search = "" } = query;
  const view = (query["show"] ?? "changeable") in VIEWS
    ? (query["show"] ?? "changeable") as View
    : "changeable";
  const loaded = useLoad(
    (signal) => read(api.brokers[":name"].config.$get({ param: { name } }, { init: { signal } })),
    name,
  );
  return (
    <>
      <div class="bar">
        <SearchField />
        <SelectField
          isBare
          label={t("bset.show")}
          value={view}
          options={(Object.keys(VIEWS) as View[]).map((each) => [each, t(`bset.show.${each}`)])}
          onChange={(show) => setQuery({ show: show === "changeable" ? undefined : show })}
        />
      </div>
      <Await of={loaded}>
        {({ settings }) => (
          <Panel>
            <SettingList
              name={name}
              settings={settings}
              isShown={(row) =>
                VIEWS[view](row) && row.name.toLowerCase().includes(search.toLowerCase())}
              onSaved={loaded.reload}
            />
          </Panel>
        )}
      </Await>
    </>
  );
}

interface SettingListProps {
  name: string;
  settings: readonly Setting[];
  isShown: (setting: Setting) => boolean;
  onSaved: () => void;
}

/** What was typed is kept while other settings are looked at. */
function SettingList({ name, settings, isShown, onSaved }: SettingListProps) {
  const t = useText();
  const say = useToast();
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const changed = settings.filter((row) => (typed[row.name] ?? row.value) !== row.value);
  const shown = settings.filter((row) => isShown(row) || changed.includes(row));
  const save = async () => {
    const json = Object.fromEntries(
      changed.map((row) => [row.name, typedValue(row, typed[row.name]!)]),
    );
    await read(api.brokers[":name"].config.$patch({ param: { name }, json }));
    setTyped({});
    say(t("settings.saved"));
    onSaved();
  };
  const isShorter = changed.some(({ name, value }) =>
    name === "fileReservedTime" && Number(typed[name]) < Number(value)
  );
  return (
    <SettingsForm
      save={save}
      warning={isShorter && t("bset.shorterKept")}
      differences={changed.map(({ name, value }) => ({ name, before: value, after: typed[name]! }))}
    >
      {shown.length === 0 && <p class="quiet-text">{t("table.noMatch")}</p>}
      {shown.length > 0 && (
        <Table
          label={t("broker.tab.settings")}
          rows={shown}
          rowKey={({ name }) => name}
          rowClass={(row) => changed.includes(row) ? "active" : undefined}
          columns={[
            { title: t("settings.name"), cell: (row) => <SettingName setting={row} /> },
            {
              title: t("broker.value"),
              cell: (row) => (
                <SettingValue
                  setting={row}
                  value={typed[row.name] ?? row.value}
                  onChange={(value) => setTyped({ ...typed, [row.name]: value })}
                />
              ),
            },
          ]}
        />
      )}
    </SettingsForm>
  );
}

function SettingName({ setting }: { setting: Setting }) {
  const t = useText();
  const { name, description } = setting;
  return (
    <>
      <code class="part">{name}</code>{" "}
      {isOther(setting) && <Badge kind="accent">{t("bset.differs")}</Badge>}
      {description && <small class="under">{description}</small>}
    </>
  );
}

interface SettingValueProps {
  setting: Setting;
  value: string;
  onChange: (value: string) => void;
}

function SettingValue({ setting, value, onChange }: SettingValueProps) {
  const t = useText();
  const { name, changeable, expected } = setting;
  if (!changeable) return <span class="mono part">{value || "–"}</span>;
  const words = wordsOf(expected);
  return (
    <>
      {words.includes(value)
        ? (
          <SelectField
            isBare
            label={name}
            value={value}
            options={words.map((word) => [word, word])}
            onChange={onChange}
          />
        )
        : <TextField isBare isMono label={name} value={value} onChange={onChange} />}
      <small class="under">
        {expected && words.length === 0 && t("bset.expected", { expected })}{" "}
        {isOther(setting) && t("bset.default", { value: setting.default ?? "" })}
      </small>
    </>
  );
}

/** The words that a setting can be, out of "PULL or POP"; none for what is described otherwise. */
function wordsOf(expected = ""): string[] {
  const words = expected.split(" or ");
  return words.length > 1 && words.every((word) => /^\w+$/.test(word)) ? words : [];
}

function isOther(setting: Setting): boolean {
  return setting.default !== undefined && setting.default !== setting.value;
}

/** As the API takes it: a number or a switch where the setting is one. What is no good is left to be refused. */
function typedValue({ expected = "", value }: Setting, typed: string): string | number | boolean {
  if (/^(true|false)$/.test(value) && /^(true|false)$/.test(typed)) return typed === "true";
  const isNumber = /^a (whole )?number|^a percentage/.test(expected);
  return isNumber && /^-?\d+$/.test(typed.trim()) ? Number(typed) : typed;
}
