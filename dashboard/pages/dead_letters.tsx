/** What groups could not consume: which groups, which messages, and sending them again. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { ListPager, PAGE_SIZE, SearchField, useListState } from "../components/list.tsx";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useRoute, useText } from "../state.tsx";
import { ResendDeadLetters } from "./dead_letters_resend.tsx";
import { MessageDialog } from "./message_dialog.tsx";
import { SearchResults } from "./message_results.tsx";

const PREFIX = "%DLQ%";

export function DeadLettersPage() {
  const t = useText();
  const list = useListState("group");
  const query = {
    page: String(list.page),
    limit: String(PAGE_SIZE),
    ...(list.search === "" ? {} : { search: list.search }),
  };
  const found = useLoad(
    (signal) => read(api.dlq.$get({ query }, { init: { signal } })),
    JSON.stringify(query),
  );
  return (
    <Page title={t("nav.dlq")} lead={t("dlq.lead")}>
      <div class="bar">
        <SearchField />
      </div>
      <Await of={found}>
        {({ items, total }) => (
          <>
            <Panel>
              {total === 0
                ? (
                  <Empty title={t("dlq.none")}>
                    <p>{t("dlq.noneHelp")}</p>
                  </Empty>
                )
                : (
                  <Table
                    label={t("nav.dlq")}
                    rows={items}
                    rowKey={({ group }) => group}
                    columns={[
                      {
                        title: t("dlq.group"),
                        cell: ({ group }) => (
                          <Link href={hrefOf(["dlq", group])} class="name">{group}</Link>
                        ),
                      },
                      {
                        title: t("dlq.count"),
                        isNumber: true,
                        cell: ({ messageCount }) => formatCount(messageCount),
                      },
                      {
                        title: t("dlq.last"),
                        isNumber: true,
                        cell: ({ lastUpdateTimestamp }) => formatTime(lastUpdateTimestamp),
                      },
                    ]}
                  />
                )}
              <ListPager page={list.page} total={total} />
            </Panel>
          </>
        )}
      </Await>
    </Page>
  );
}

/** The dead letters of one group, the newest first. */
export function GroupDeadLettersPage({ id: group }: { id: string }) {
  const t = useText();
  const { query: { open }, setQuery } = useRoute();
  const [isSending, setSending] = useState(false);
  const topic = PREFIX + group;
  const request = {
    topic,
    find: "",
    from: "newest" as const,
    time: undefined,
    brokerName: "",
    queue: undefined,
    offset: undefined,
    filter: "none" as const,
    filterValue: "",
  };
  return (
    <Page
      title={group}
      parent={{ href: "/dlq", title: t("nav.dlq") }}
      actions={
        <>
          <Link class="button" href={hrefOf(["messages"], { topic })}>{t("messages.search")}</Link>
          <button type="button" onClick={() => setSending(true)}>{t("dlq.sendAll")}</button>
        </>
      }
    >
      <SearchResults request={request} />
      {open !== undefined && (
        <MessageDialog
          id={open}
          topic={topic}
          onClose={() => setQuery({ open: undefined })}
        />
      )}
      {isSending && <ResendDeadLetters group={group} onClose={() => setSending(false)} />}
    </Page>
  );
}
