/** All topics, and creating one. */

import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { SelectField } from "../components/form.tsx";
import { ListPager, PAGE_SIZE, SearchField, useListState } from "../components/list.tsx";
import { Await, Badge, Empty, Page, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, type Translate, useRoute, useText } from "../state.tsx";
import type { TextKey } from "../texts/all.ts";
import { CreateTopic } from "./topic_create.tsx";

const TYPES = ["normal", "retry", "dlq", "system"] as const;
const MESSAGE_TYPES = ["NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED", "UNSPECIFIED"] as const;
const RELOAD_MILLIS = 10_000;

type TopicType = (typeof TYPES)[number];
type MessageType = (typeof MESSAGE_TYPES)[number];

export function TopicsPage() {
  const t = useText();
  const { query: { type, messageType, create }, setQuery } = useRoute();
  const list = useListState("topic");
  const shownType = (type ?? "normal") as TopicType | "all";
  const query = {
    ...list,
    page: String(list.page),
    limit: String(PAGE_SIZE),
    ...(shownType === "all" ? {} : { type: shownType }),
    ...(messageType === undefined ? {} : { messageType: messageType as MessageType }),
  };
  const topics = useLoad(
    (signal) => read(api.topics.$get({ query }, { init: { signal } })),
    JSON.stringify(query),
    RELOAD_MILLIS,
  );
  return (
    <Page
      title={t("nav.topics")}
      lead={t("topics.lead")}
      actions={
        <button type="button" class="primary" onClick={() => setQuery({ create: "1" })}>
          {t("topics.create")}
        </button>
      }
    >
      <div class="bar">
        <SearchField />
        <SelectField
          isBare
          label={t("topics.type")}
          value={shownType}
          options={[...TYPES, "all" as const].map((type) => [type, t(`topics.type.${type}`)])}
          onChange={(type) =>
            setQuery({ type: type === "normal" ? undefined : type, page: undefined })}
        />
        <SelectField
          isBare
          label={t("topics.messageType")}
          value={messageType ?? ""}
          options={[
            ["", t("topics.messageType.all")],
            ...MESSAGE_TYPES.map((m) => [m, m] as const),
          ]}
          onChange={(messageType) => setQuery({ messageType, page: undefined })}
        />
      </div>
      <Await of={topics}>
        {({ items, total, failures }) => (
          <>
            <Failures failures={failures} />
            <Panel>
              {total === 0
                ? <NoTopics isFiltered={list.search !== "" || messageType !== undefined} />
                : (
                  <Table
                    label={t("nav.topics")}
                    rows={items}
                    rowKey={({ topic }) => topic}
                    sort={list.sort}
                    onSort={(sort) => setQuery({ sort, page: undefined })}
                    columns={columnsOf(t)}
                  />
                )}
              <ListPager page={list.page} total={total} />
            </Panel>
          </>
        )}
      </Await>
      {create !== undefined && <CreateTopic onClose={() => setQuery({ create: undefined })} />}
    </Page>
  );
}

interface TopicRow {
  topic: string;
  messageType: string;
  type: string;
  readQueueNums: number;
  writeQueueNums: number;
  perm: number;
  brokers: { brokerName: string }[];
}

function columnsOf(t: Translate) {
  return [
    {
      title: t("topics.name"),
      sort: "topic",
      cell: ({ topic }: TopicRow) => (
        <Link href={hrefOf(["topics", topic])} class="name">{topic}</Link>
      ),
    },
    {
      title: t("topics.messageType"),
      sort: "messageType",
      cell: ({ messageType }: TopicRow) => <Badge>{messageType}</Badge>,
    },
    {
      title: t("topics.readQueues"),
      sort: "readQueueNums",
      isNumber: true,
      cell: ({ readQueueNums }: TopicRow) => readQueueNums,
    },
    {
      title: t("topics.writeQueues"),
      sort: "writeQueueNums",
      isNumber: true,
      isExtra: true,
      cell: ({ writeQueueNums }: TopicRow) => writeQueueNums,
    },
    {
      title: t("topics.perm"),
      sort: "perm",
      isExtra: true,
      cell: ({ perm }: TopicRow) => permText(t, perm),
    },
    {
      title: t("topics.brokers"),
      isExtra: true,
      cell: ({ brokers }: TopicRow) => brokers.map(({ brokerName }) => brokerName).join(", "),
    },
  ];
}

/** What clients may do, by the bits 4 (read) and 2 (write). */
export function permText(t: Translate, perm: number): string {
  return t(`topics.perm.${perm & 6}` as TextKey);
}

function NoTopics({ isFiltered }: { isFiltered: boolean }) {
  const t = useText();
  const { setQuery, query: { type } } = useRoute();
  if (isFiltered || type !== undefined) return <p class="quiet-text">{t("table.noMatch")}</p>;
  return (
    <Empty
      title={t("topics.empty")}
      command={`curl ${location.origin}/api/messages -H 'content-type: application/json' \\
  -d '{"topic": "Orders", "tag": "paid", "keys": ["order-1"], "body": "hello"}'`}
    >
      <p>{t("topics.emptyHelp")}</p>
      <button type="button" class="primary" onClick={() => setQuery({ create: "1" })}>
        {t("topics.create")}
      </button>
    </Empty>
  );
}
