/** Finding and reading the messages of a topic. */

import { useState } from "preact/hooks";
import { SelectField, TextField } from "../components/form.tsx";
import { Empty, Page } from "../components/page.tsx";
import { TopicField } from "../components/topic_field.tsx";
import { fromLocalInput, toLocalInput } from "../format.ts";
import type { FilterKind, SearchRequest } from "../message_search.ts";
import type { QueryChange } from "../router.ts";
import { useRoute, useText } from "../state.tsx";
import { MessageDialog } from "./message_dialog.tsx";
import { LiveTail } from "./message_live.tsx";
import { SearchResults } from "./message_results.tsx";
import { SendDialog } from "./send_dialog.tsx";

const BEGINNINGS = ["newest", "oldest", "time", "offset", "live"] as const;
const FILTERS = ["none", "tag", "text", "jsonPath", "sql"] as const;

type Beginning = (typeof BEGINNINGS)[number];
type Query = Readonly<Record<string, string>>;

export function MessagesPage() {
  const t = useText();
  const { query, setQuery } = useRoute();
  const { topic = "", open, send } = query;
  return (
    <Page
      title={t("nav.messages")}
      lead={t("messages.lead")}
      actions={
        <button type="button" onClick={() => setQuery({ send: "1" })}>{t("topic.send")}</button>
      }
    >
      <SearchForm key={JSON.stringify({ ...query, open: "", send: "" })} />
      {topic === ""
        ? (
          <Empty title={t("messages.chooseTopic")}>
            <p>{t("messages.chooseTopicHelp")}</p>
          </Empty>
        )
        : query["from"] === "live" && !query["find"]
        ? <LiveTail topic={topic} {...filterIn(query)} />
        : <SearchResults request={requestIn(query)} />}
      {open !== undefined && (
        <MessageDialog
          id={open}
          topic={topic}
          onClose={() => setQuery({ open: undefined })}
        />
      )}
      {send !== undefined && (
        <SendDialog
          topic={topic}
          onClose={() => setQuery({ send: undefined })}
        />
      )}
    </Page>
  );
}

function filterIn(query: Query) {
  const found = FILTERS.find((kind) => kind === query["filter"]);
  return { filter: (found ?? "none") as FilterKind, filterValue: query["value"] ?? "" };
}

function requestIn(query: Query): SearchRequest {
  const number = (name: string) => query[name] === undefined ? undefined : Number(query[name]);
  const from = query["from"];
  return {
    topic: query["topic"] ?? "",
    find: query["find"] ?? "",
    from: from === "oldest" || from === "time" || from === "offset" ? from : "newest",
    time: number("time"),
    brokerName: query["broker"] ?? "",
    queue: number("queue"),
    offset: number("offset"),
    ...filterIn(query),
  };
}

/** Fields that go into the URL when they are sent. */
function SearchForm() {
  const t = useText();
  const { query, setQuery } = useRoute();
  const [typed, setTyped] = useState<Query>(query);
  const change = (part: Record<string, string>) => setTyped({ ...typed, ...part });
  const from = (typed["from"] ?? "newest") as Beginning;
  const { filter, filterValue } = filterIn(typed);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setQuery({ ...cleared(query), ...typed, ...shownOnly(from, typed) }, "push");
      }}
    >
      <div class="bar">
        <TopicField
          label={t("messages.topic")}
          value={typed["topic"] ?? ""}
          onChange={(topic) => change({ topic })}
          required
        />
        <div class="grow">
          <TextField
            label={t("messages.find")}
            value={typed["find"] ?? ""}
            onChange={(find) => change({ find: find.trim() })}
            isMono
          />
        </div>
        <SelectField
          label={t("messages.from")}
          value={from}
          options={BEGINNINGS.map((each) => [each, t(`messages.from.${each}`)])}
          onChange={(from) => change({ from })}
        />
        {from === "time" && <TimeField typed={typed} change={change} />}
        {from === "offset" && <PlaceFields typed={typed} change={change} />}
        <SelectField
          label={t("messages.filter")}
          value={filter}
          options={FILTERS.map((kind) => [kind, t(`messages.filter.${kind}`)])}
          onChange={(filter) => change({ filter })}
        />
        {filter !== "none" && (
          <div class="grow">
            <TextField
              label={t("messages.filterValue")}
              placeholder={t(`messages.filterHint.${filter}`)}
              value={filterValue}
              onChange={(value) => change({ value })}
              required
              isMono
            />
          </div>
        )}
        <button type="submit" class="primary">{t("messages.search")}</button>
      </div>
    </form>
  );
}

interface PartProps {
  typed: Query;
  change: (part: Record<string, string>) => void;
}

function TimeField({ typed, change }: PartProps) {
  const t = useText();
  const time = Number(typed["time"]);
  return (
    <TextField
      type="datetime-local"
      label={t("messages.time")}
      value={time > 0 ? toLocalInput(time) : ""}
      onChange={(text) => change({ time: String(fromLocalInput(text) ?? "") })}
      required
    />
  );
}

function PlaceFields({ typed, change }: PartProps) {
  const t = useText();
  return (
    <>
      {(["queue", "offset"] as const).map((name) => (
        <TextField
          key={name}
          type="number"
          min={0}
          label={t(`messages.${name}`)}
          value={typed[name] ?? (name === "offset" ? "0" : "")}
          onChange={(text) => change({ [name]: text })}
          required
        />
      ))}
    </>
  );
}

/** Takes all keys away. */
function cleared(query: Query): QueryChange {
  return Object.fromEntries(Object.keys(query).map((name) => [name, undefined]));
}

/** Takes away what has no field now, and what is the default. */
function shownOnly(from: Beginning, typed: Query): QueryChange {
  const { filter } = filterIn(typed);
  return {
    open: undefined,
    send: undefined,
    from: from === "newest" ? undefined : from,
    ...(from === "time" ? {} : { time: undefined }),
    ...(from === "offset" ? { offset: typed["offset"] ?? 0 } : { offset: undefined }),
    ...(filter === "none" ? { filter: undefined, value: undefined } : {}),
  };
}
