/** What a filter costs a message: `deno task bench tests/bench/filter_bench.ts`. */

import { createSubscriptionData } from "../../client/protocol/heartbeat.ts";
import { javaHashCode } from "../../client/protocol/message.ts";
import { SqlFilter, SqlFilterCache } from "../../server/broker/filter/sql_filter.ts";
import { messageFilterOf } from "../../server/broker/message_filter.ts";
import type { MessageFilter } from "../../store/get_message.ts";
import { recordWith } from "../helpers/records.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

/** As Java's client sends them, with five of the user's own. */
const PROPERTIES = [
  "MIN_OFFSET\u00010",
  "KEYS\u0001order-4711",
  "UNIQ_KEY\u00017F00000146E0251A69D70000012C0000",
  "CLUSTER\u0001DefaultCluster",
  "region\u0001eu-west",
  "price\u000142",
  "customer\u0001c-1234567",
  "vip\u0001true",
  "note\u0001to be delivered in the morning",
  "TAGS\u0001paid",
  "WAIT\u0001true",
  "__CRC32#\u00011234567890",
].join("\u0002") + "\u0002";
const BODY = new Uint8Array(1024);
/** A typical expression; for this message its last term decides. */
const EXPRESSION = "TAGS = 'paid' AND price BETWEEN 10 AND 50 AND region IN ('cn', 'us')";
const record = recordWith(PROPERTIES, { body: BODY });

for (
  const [name, expression] of [
    ["three terms", EXPRESSION],
    ["one term", "price > 10"],
    ["a fraction", "price > 10.5"],
    ["two properties against each other", "region = customer"],
    ["CONTAINS in a long text", "note CONTAINS 'morning'"],
    ["a property that is not there", "missing IS NULL"],
    ["ten terms, the last decides", "price = 1 OR ".repeat(9) + "price = 42"],
  ] as const
) {
  const filter = new SqlFilter(expression);
  Deno.bench(`SqlFilter.matchesRecord(), ${name}`, { group: "a record" }, () => {
    filter.matchesRecord(record);
  });
}

const cache = new SqlFilterCache();
const tagFilter = messageFilterOf(createSubscriptionData("T", "a || b || c", "TAG", 1), cache)!;
const paid = javaHashCode("paid");
Deno.bench("a tag filter's matchesTagsCode()", { group: "a record" }, () => {
  tagFilter.matchesTagsCode(paid);
});

Deno.bench("messageFilterOf(), by tags", { group: "a pull" }, () => {
  messageFilterOf(createSubscriptionData("T", "a || b || c", "TAG", 1), cache);
});
Deno.bench("messageFilterOf(), by a known SQL92 expression", { group: "a pull" }, () => {
  messageFilterOf(createSubscriptionData("T", EXPRESSION, "SQL92", 1), cache);
});
Deno.bench("new SqlFilter()", { group: "a pull" }, () => {
  new SqlFilter(EXPRESSION);
});

const folder = Deno.makeTempDirSync();
const store = openStore(folder, { mappedFileSizeCommitLog: 64 * 1024 * 1024 }, {
  // The folder goes before the store has written all.
  onWriteFailed: () => {},
  onUpkeepFailed: () => {},
  onFatal: () => {},
});
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
for (let n = 0; n < 800; n++) {
  store.putMessage(messageToStore("T", BODY, { properties: PROPERTIES }));
}
store.commit();
const options = { queueOffset: 0, maxMsgNums: 32, maxMsgBytes: 262_144 };
const filters: [string, MessageFilter | undefined][] = [
  ["a tag filter", tagFilter],
  ["a SQL92 filter of three terms", new SqlFilter(EXPRESSION)],
];
for (const [name, filter] of filters) {
  Deno.bench(`getMessage(), 800 messages that ${name} does not want`, { group: "a store" }, () => {
    store.getMessage("T", 0, { ...options, filter });
  });
}
