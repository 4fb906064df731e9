/** Which page a URL shows, by the first part of its path: a list, and one entry of it. */

import type { ComponentType } from "preact";
import { BrokerPage } from "./pages/broker.tsx";
import { ClientsPage } from "./pages/clients.tsx";
import { ClusterPage } from "./pages/cluster.tsx";
import { DeadLettersPage, GroupDeadLettersPage } from "./pages/dead_letters.tsx";
import { DelayedPage } from "./pages/delayed.tsx";
import { GroupPage } from "./pages/group.tsx";
import { GroupsPage } from "./pages/groups.tsx";
import { LookbackPage } from "./pages/lookback.tsx";
import { MessagesPage } from "./pages/messages.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SearchPage } from "./pages/search.tsx";
import { TopicPage } from "./pages/topic.tsx";
import { TopicsPage } from "./pages/topics.tsx";
import { TracePage } from "./pages/trace.tsx";
import { TransactionsPage } from "./pages/transactions.tsx";

interface Pages {
  readonly list?: ComponentType<{ id: string }>;
  /** Of `/name/id`. */
  readonly entry?: ComponentType<{ id: string }>;
}

export const PAGES: Readonly<Record<string, Pages>> = {
  "": { list: OverviewPage },
  clients: { list: ClientsPage },
  cluster: { list: ClusterPage, entry: BrokerPage },
  delayed: { list: DelayedPage },
  dlq: { list: DeadLettersPage, entry: GroupDeadLettersPage },
  groups: { list: GroupsPage, entry: GroupPage },
  lookback: { list: LookbackPage },
  messages: { list: MessagesPage },
  search: { list: SearchPage },
  topics: { list: TopicsPage, entry: TopicPage },
  trace: { list: TracePage },
  transactions: { list: TransactionsPage },
};
