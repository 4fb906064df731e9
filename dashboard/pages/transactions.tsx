/** Transactions that have not ended. */

import { api, read } from "../api.ts";
import { Await, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatDuration } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";

const RELOAD_MILLIS = 5_000;
const SHOWN_MAX = "200";
const GIVEN_UP_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";

export function TransactionsPage() {
  const t = useText();
  const halves = useLoad(
    (signal) => read(api.transactions.$get({ query: { limit: SHOWN_MAX } }, { init: { signal } })),
    "transactions",
    RELOAD_MILLIS,
  );
  return (
    <Page
      title={t("nav.transactions")}
      lead={t("transactions.lead")}
      actions={
        <Link class="button" href={hrefOf(["messages"], { topic: GIVEN_UP_TOPIC })}>
          {t("transactions.givenUp")}
        </Link>
      }
    >
      <Await of={halves}>
        {({ messages }) => (
          <Panel>
            {messages.length === 0
              ? (
                <Empty title={t("transactions.none")}>
                  <p>{t("transactions.noneHelp")}</p>
                </Empty>
              )
              : (
                <Table
                  label={t("nav.transactions")}
                  rows={messages}
                  rowKey={({ offsetMsgId }) => offsetMsgId}
                  columns={[
                    { title: t("message.id"), cell: ({ msgId }) => <code>{msgId}</code> },
                    { title: t("messages.topic"), cell: ({ topic }) => topic },
                    { title: t("transactions.producer"), cell: (row) => row.producerGroup },
                    {
                      title: t("transactions.age"),
                      isNumber: true,
                      cell: ({ ageMillis }) => formatDuration(ageMillis),
                    },
                    {
                      title: t("transactions.checks"),
                      isNumber: true,
                      cell: ({ checkTimes }) => checkTimes,
                    },
                  ]}
                />
              )}
          </Panel>
        )}
      </Await>
    </Page>
  );
}
