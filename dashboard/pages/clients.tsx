/** Who is connected. */

import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { SelectField } from "../components/form.tsx";
import { ListPager, PAGE_SIZE, SearchField, useListState } from "../components/list.tsx";
import { Await, Badge, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatRate } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, type Translate, useRoute, useText } from "../state.tsx";
import { ClientDialog, type ClientRow } from "./client_dialog.tsx";
import { consumeCommand } from "./topic_parts.tsx";

const RELOAD_MILLIS = 5_000;
const ROLES = ["all", "producer", "consumer"] as const;
type Role = (typeof ROLES)[number];

export function ClientsPage() {
  const t = useText();
  const { query: { role = "all", client }, setQuery } = useRoute();
  const list = useListState("clientId");
  const query = {
    ...list,
    page: String(list.page),
    limit: String(PAGE_SIZE),
    rates: "true" as const,
    ...(role === "producer" || role === "consumer" ? { role } as const : {}),
  };
  const clients = useLoad(
    (signal) => read(api.clients.$get({ query }, { init: { signal } })),
    JSON.stringify(query),
    RELOAD_MILLIS,
  );
  return (
    <Page title={t("nav.clients")} lead={t("clients.lead")}>
      <div class="bar">
        <SearchField />
        <SelectField
          isBare
          label={t("clients.role")}
          value={role as Role}
          options={ROLES.map((each) => [each, t(`clients.role.${each}`)])}
          onChange={(role) =>
            setQuery({ role: role === "all" ? undefined : role, page: undefined })}
        />
      </div>
      <Await of={clients}>
        {({ items, total, failures }) => (
          <>
            <Failures failures={failures} />
            <Panel>
              {total > 0
                ? (
                  <Table
                    label={t("nav.clients")}
                    rows={items}
                    rowKey={({ clientId }) => clientId}
                    rowClass={({ rates }) =>
                      rates !== undefined && rates.consumeFailedTps > 0 ? "warn" : undefined}
                    sort={list.sort}
                    onSort={(sort) => setQuery({ sort, page: undefined })}
                    columns={columnsOf(t, (client) => setQuery({ client }, "push"))}
                  />
                )
                : list.search !== "" || role !== "all"
                ? <p class="quiet-text">{t("table.noMatch")}</p>
                : (
                  <Empty title={t("clients.empty")} command={consumeCommand("Orders")}>
                    <p>{t("clients.emptyHelp", { address: `${location.hostname}:9876` })}</p>
                  </Empty>
                )}
              <ListPager page={list.page} total={total} />
            </Panel>
          </>
        )}
      </Await>
      {client !== undefined && (
        <ClientDialog
          key={client}
          clientId={client}
          onClose={() => setQuery({ client: undefined })}
        />
      )}
    </Page>
  );
}

function columnsOf(t: Translate, open: (clientId: string) => void) {
  const rate = (perSecond: number | undefined) =>
    perSecond === undefined ? "–" : formatRate(perSecond) + t("unit.perSecond");
  return [
    {
      title: t("clients.id"),
      sort: "clientId",
      cell: ({ clientId }: ClientRow) => (
        <button
          type="button"
          class="link mono name"
          onClick={() => open(clientId)}
        >
          {clientId}
        </button>
      ),
    },
    { title: t("clients.groups"), cell: (client: ClientRow) => <Groups client={client} /> },
    {
      title: t("members.address"),
      cell: ({ clientAddr }: ClientRow) => <span class="nowrap">{clientAddr}</span>,
    },
    {
      title: t("members.language"),
      sort: "language",
      isExtra: true,
      cell: ({ language }: ClientRow) => language,
    },
    {
      title: t("members.version"),
      sort: "version",
      isExtra: true,
      cell: ({ version }: ClientRow) => version,
    },
    {
      title: t("clients.pulls"),
      isNumber: true,
      isExtra: true,
      cell: ({ rates }: ClientRow) => rate(rates?.pullTps),
    },
    {
      title: t("clients.rates"),
      isNumber: true,
      cell: ({ rates }: ClientRow) => rate(rates?.consumeOkTps),
    },
    {
      title: t("clients.fails"),
      isNumber: true,
      isExtra: true,
      cell: ({ rates }: ClientRow) => rate(rates?.consumeFailedTps),
    },
  ];
}

/** A client may be in many; the dialog has them all. */
const SHOWN_GROUPS = 3;

function Groups({ client }: { client: ClientRow }) {
  const t = useText();
  const { consumerGroups, producerGroups } = client;
  const hidden = [consumerGroups, producerGroups]
    .reduce((sum, { length }) => sum + Math.max(0, length - SHOWN_GROUPS), 0);
  return (
    <span class="badges">
      {consumerGroups.length > 0 && <Badge kind="accent">{t("clients.isConsumer")}</Badge>}
      {consumerGroups.slice(0, SHOWN_GROUPS).map((group) => (
        <Link key={group} href={hrefOf(["groups", group], { tab: "members" })} class="name">
          {group}
        </Link>
      ))}
      {producerGroups.length > 0 && <Badge>{t("clients.isProducer")}</Badge>}
      {producerGroups.slice(0, SHOWN_GROUPS).map((group) => (
        <span key={group} class="name">{group}</span>
      ))}
      {hidden > 0 && <small>+{hidden}</small>}
    </span>
  );
}
