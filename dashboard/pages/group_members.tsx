/** Who is in a group, what its members subscribe to, and whether they agree. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { Failures } from "../components/failures.tsx";
import { Await, Facts, Panel } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { useText } from "../state.tsx";

const RELOAD_MILLIS = 5_000;

export function GroupMembers({ group }: { group: string }) {
  const t = useText();
  const [opened, setOpened] = useState<string>();
  const param = { group };
  const connections = useLoad(
    (signal) => read(api.groups[":group"].connections.$get({ param }, { init: { signal } })),
    group,
    RELOAD_MILLIS,
  );
  return (
    <Await of={connections}>
      {({ clients, subscriptions, consumeType, messageModel, consumeFromWhere, failures }) => (
        <>
          <Failures failures={failures} />
          {clients.length === 0 && <p class="note warn">{t("group.nobody")}</p>}
          {clients.length > 0 && (
            <Panel>
              <Facts
                rows={[
                  [t("members.consumeType"), consumeType],
                  [t("members.model"), messageModel],
                  [t("members.fromWhere"), consumeFromWhere],
                ]}
              />
              <Table
                label={t("group.tab.members")}
                rows={clients}
                rowKey={({ clientId }) => clientId}
                columns={[
                  {
                    title: t("members.client"),
                    cell: ({ clientId }) => (
                      <button
                        type="button"
                        class="link mono name"
                        onClick={() => setOpened(clientId)}
                      >
                        {clientId}
                      </button>
                    ),
                  },
                  { title: t("members.address"), cell: ({ clientAddr }) => clientAddr },
                  { title: t("members.language"), isExtra: true, cell: (row) => row.language },
                  { title: t("members.version"), isExtra: true, cell: ({ version }) => version },
                ]}
              />
            </Panel>
          )}
          {clients.length > 1 && <Mismatches group={group} />}
          {subscriptions.length > 0 && (
            <Panel title={t("members.subscriptions")}>
              <Table
                label={t("members.subscriptions")}
                rows={subscriptions}
                rowKey={({ topic }) => topic}
                columns={[
                  { title: t("progress.topic"), cell: ({ topic }) => topic },
                  {
                    title: t("members.expression"),
                    cell: ({ subString, expressionType }) => (
                      <>
                        <code>{subString}</code> <small>{expressionType}</small>
                      </>
                    ),
                  },
                ]}
              />
            </Panel>
          )}
          {opened !== undefined && (
            <RunningInfo
              group={group}
              clientId={opened}
              onClose={() => setOpened(undefined)}
            />
          )}
        </>
      )}
    </Await>
  );
}

function Mismatches({ group }: { group: string }) {
  const t = useText();
  const found = useLoad(
    (signal) => {
      const args = { param: { group } };
      return read(api.groups[":group"].subscriptions.$get(args, { init: { signal } }));
    },
    group,
  );
  return (
    <>
      {found.data?.mismatches.map(({ topic, variants }) => (
        <p key={topic} class="note bad" role="alert">
          {t("members.mismatch", {
            topic,
            variants: variants.map(({ subString = t("members.none"), clientIds }) =>
              `${subString} (${clientIds.join(", ")})`
            ).join("; "),
          })}
        </p>
      ))}
    </>
  );
}

interface RunningInfoProps {
  group: string;
  clientId: string;
  onClose: () => void;
}

/** What a member says of itself, its threads too. */
function RunningInfo({ group, clientId, onClose }: RunningInfoProps) {
  const t = useText();
  const info = useLoad(
    (signal) => {
      const args = { param: { group, clientId }, query: { jstack: "true" as const } };
      return read(api.groups[":group"].clients[":clientId"].$get(args, { init: { signal } }));
    },
    clientId,
  );
  return (
    <Dialog title={t("members.running", { client: clientId })} onClose={onClose} isWide>
      <div class="stack">
        <Await of={info}>
          {({ queues, properties, jstack }) => (
            <>
              <Table
                label={t("topic.tab.queues")}
                rows={queues}
                rowKey={({ topic, brokerName, queueId }) => `${topic} ${brokerName} ${queueId}`}
                columns={[
                  { title: t("progress.topic"), cell: ({ topic }) => topic },
                  { title: t("queue.id"), cell: (row) => `${row.brokerName} · ${row.queueId}` },
                  {
                    title: t("progress.consumed"),
                    isNumber: true,
                    cell: ({ commitOffset }) => formatCount(commitOffset),
                  },
                  {
                    title: t("running.cached"),
                    isNumber: true,
                    cell: ({ cachedMsgCount }) => formatCount(cachedMsgCount),
                  },
                  {
                    title: t("running.lastPull"),
                    cell: ({ lastPullTimestamp }) => formatTime(lastPullTimestamp),
                  },
                  {
                    title: t("running.lastConsume"),
                    cell: ({ lastConsumeTimestamp }) => formatTime(lastConsumeTimestamp),
                  },
                ]}
              />
              <Facts rows={Object.entries(properties)} />
              {jstack && <h3>{t("running.stacks")}</h3>}
              {jstack && <pre>{jstack}</pre>}
            </>
          )}
        </Await>
      </div>
    </Dialog>
  );
}
