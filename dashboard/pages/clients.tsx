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
import { Link, useRoute, useText } from "../state.tsx";
import { consumeCommand } from "./topic_parts.tsx";

const RELOAD_MILLIS = 5_000;
const ROLES = ["all", "producer", "consumer"] as const;
type Role = (typeof ROLES)[number];

export function ClientsPage() {
  const t = useText();
  const { query: { role = "all" }, setQuery } = useRoute();
  const list = useListState("clientId");
  const query = {
    ...list,
    page: String(list.page),
    limit: String(PAGE_SIZE),
    ...(role === "producer" || role === "consumer" ? { role } as const : {}),
  };
  const clients = useLoad(
    (signal) => read(api.clients.$get({ query }, { init: { signal } })),
    JSON.stringify(query),
    RELOAD_MILLIS,
  );
  // Consumers are asked for it, and some take their time.
  const rates = useLoad(
    async (signal) => {
      const args = { query: { ...query, rates: "true" as const } };
      const { items } = await read(api.clients.$get(args, { init: { signal } }));
      return new Map(items.map(({ clientId, rates }) => [clientId, rates?.consumeOkTps]));
    },
    JSON.stringify(query),
    RELOAD_MILLIS,
  );
  const rateOf = (clientId: string) => {
    const rate = rates.data?.get(clientId);
    return rate === undefined ? "–" : formatRate(rate) + t("unit.perSecond");
  };
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
                    sort={list.sort}
                    onSort={(sort) => setQuery({ sort, page: undefined })}
                    columns={[
                      {
                        title: t("clients.id"),
                        sort: "clientId",
                        cell: ({ clientId }) => <span class="mono name">{clientId}</span>,
                      },
                      {
                        title: t("clients.groups"),
                        cell: ({ producerGroups, consumerGroups }) => (
                          <span class="badges">
                            {consumerGroups.map((group) => (
                              <Link key={group} href={hrefOf(["groups", group])}>{group}</Link>
                            ))}
                            {producerGroups.map((group) => <Badge key={group}>{group}</Badge>)}
                          </span>
                        ),
                      },
                      { title: t("members.address"), cell: ({ clientAddr }) => clientAddr },
                      {
                        title: t("members.language"),
                        sort: "language",
                        isExtra: true,
                        cell: ({ language }) => language,
                      },
                      {
                        title: t("members.version"),
                        sort: "version",
                        isExtra: true,
                        cell: ({ version }) => version,
                      },
                      {
                        title: t("clients.rates"),
                        isNumber: true,
                        cell: ({ clientId }) => rateOf(clientId),
                      },
                    ]}
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
    </Page>
  );
}
