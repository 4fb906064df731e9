/** All groups, and creating one. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { Failures } from "../components/failures.tsx";
import { SelectField, TextField } from "../components/form.tsx";
import { ListPager, PAGE_SIZE, SearchField, useListState } from "../components/list.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useToast } from "../components/toast.tsx";
import { formatCount, formatRate } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, type Translate, useRoute, useText } from "../state.tsx";
import { consumeCommand } from "./topic_parts.tsx";

const RELOAD_MILLIS = 3_000;
const TYPES = ["normal", "system"] as const;

export function GroupsPage() {
  const t = useText();
  const { query: { type, create }, setQuery } = useRoute();
  const list = useListState("-diffTotal");
  const shownType = type === "system" ? "system" : "normal";
  const query = {
    ...list,
    page: String(list.page),
    limit: String(PAGE_SIZE),
    type: shownType as (typeof TYPES)[number],
    progress: "true" as const,
    clients: "true" as const,
  };
  const groups = useLoad(
    (signal) => read(api.groups.$get({ query }, { init: { signal } })),
    JSON.stringify(query),
    RELOAD_MILLIS,
  );
  return (
    <Page
      title={t("nav.groups")}
      lead={t("groups.lead")}
      actions={
        <button type="button" class="primary" onClick={() => setQuery({ create: "1" })}>
          {t("groups.create")}
        </button>
      }
    >
      <div class="bar">
        <SearchField />
        <SelectField
          isBare
          label={t("groups.type")}
          value={shownType}
          options={TYPES.map((each) => [each, t(`groups.type.${each}`)])}
          onChange={(type) =>
            setQuery({ type: type === "normal" ? undefined : type, page: undefined })}
        />
      </div>
      <Await of={groups}>
        {({ items, total, failures }) => (
          <>
            <Failures failures={failures} />
            <Panel>
              {total > 0
                ? (
                  <Table
                    label={t("nav.groups")}
                    rows={items}
                    rowKey={({ group }) => group}
                    rowClass={({ diffTotal = 0, clientCount }) =>
                      diffTotal > 0 && clientCount === 0 ? "warn" : undefined}
                    sort={list.sort}
                    onSort={(sort) => setQuery({ sort, page: undefined })}
                    columns={columnsOf(t)}
                  />
                )
                : list.search !== ""
                ? <p class="quiet-text">{t("table.noMatch")}</p>
                : (
                  <Empty title={t("groups.empty")} command={consumeCommand("Orders")}>
                    <p>{t("groups.emptyHelp")}</p>
                  </Empty>
                )}
              <ListPager page={list.page} total={total} />
            </Panel>
          </>
        )}
      </Await>
      {create !== undefined && <CreateGroup onClose={() => setQuery({ create: undefined })} />}
    </Page>
  );
}

interface GroupRow {
  group: string;
  diffTotal?: number | undefined;
  consumeTps?: number | undefined;
  topicCount?: number | undefined;
  clientCount?: number | undefined;
  retryMaxTimes: number;
}

function columnsOf(t: Translate) {
  return [
    {
      title: t("groups.name"),
      sort: "group",
      cell: ({ group }: GroupRow) => (
        <Link href={hrefOf(["groups", group])} class="name">{group}</Link>
      ),
    },
    {
      title: t("groups.lag"),
      sort: "diffTotal",
      isNumber: true,
      cell: ({ diffTotal = 0 }: GroupRow) => formatCount(diffTotal),
    },
    {
      title: t("groups.rate"),
      sort: "consumeTps",
      isNumber: true,
      cell: ({ consumeTps = 0 }: GroupRow) => formatRate(consumeTps) + t("unit.perSecond"),
    },
    {
      title: t("groups.members"),
      isNumber: true,
      cell: ({ clientCount = 0 }: GroupRow) => clientCount,
    },
    {
      title: t("groups.topics"),
      sort: "topicCount",
      isNumber: true,
      isExtra: true,
      cell: ({ topicCount = 0 }: GroupRow) => topicCount,
    },
    {
      title: t("groups.retries"),
      sort: "retryMaxTimes",
      isNumber: true,
      isExtra: true,
      cell: ({ retryMaxTimes }: GroupRow) => retryMaxTimes,
    },
  ];
}

function CreateGroup({ onClose }: { onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const { go } = useRoute();
  const [group, setGroup] = useState("");
  const [retries, setRetries] = useState("16");
  const create = async () => {
    await read(api.groups.$post({ json: { group, retryMaxTimes: Number(retries) } }));
    say(t("groups.created", { group }));
    go(hrefOf(["groups", group]));
  };
  return (
    <FormDialog
      title={t("groups.create")}
      submitLabel={t("groups.create")}
      onSubmit={create}
      onClose={onClose}
    >
      <TextField
        label={t("groups.name")}
        help={t("groups.nameHelp")}
        value={group}
        onChange={setGroup}
        pattern="[%\|a-zA-Z0-9_\-]+"
        maxLength={255}
        isMono
        autoFocus
        required
      />
      <TextField
        type="number"
        label={t("gset.retryMaxTimes")}
        value={retries}
        onChange={setRetries}
        min={0}
        required
      />
    </FormDialog>
  );
}
