/** A topic's queues, its consumers, and its route. */

import { api, read } from "../api.ts";
import { Failures } from "../components/failures.tsx";
import { ListPager, PAGE_SIZE, useListState } from "../components/list.tsx";
import { Await, Empty } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatCount, formatRate, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";
import { permText } from "./topics.tsx";

const RELOAD_MILLIS = 5_000;

interface QueueRow {
  brokerName: string;
  queueId: number;
  minOffset: number;
  maxOffset: number;
  messageCount: number;
  lastUpdateTimestamp: number;
}

export function TopicQueues({ topic, queues }: { topic: string; queues: readonly QueueRow[] }) {
  const t = useText();
  if (queues.length === 0) return <p class="quiet-text">{t("topic.noQueues")}</p>;
  return (
    <Table
      label={t("topic.tab.queues")}
      rows={queues}
      rowKey={({ brokerName, queueId }) => `${brokerName}:${queueId}`}
      columns={[
        { title: t("queue.broker"), cell: ({ brokerName }) => brokerName },
        {
          title: t("queue.id"),
          isNumber: true,
          cell: ({ brokerName, queueId }) => (
            <Link href={hrefOf(["messages"], { topic, broker: brokerName, queue: queueId })}>
              {queueId}
            </Link>
          ),
        },
        { title: t("queue.min"), isNumber: true, cell: (queue) => formatCount(queue.minOffset) },
        { title: t("queue.max"), isNumber: true, cell: (queue) => formatCount(queue.maxOffset) },
        {
          title: t("queue.count"),
          isNumber: true,
          cell: (queue) => formatCount(queue.messageCount),
        },
        {
          title: t("queue.last"),
          isNumber: true,
          cell: (queue) => formatTime(queue.lastUpdateTimestamp),
        },
      ]}
    />
  );
}

export function TopicConsumers({ topic }: { topic: string }) {
  const t = useText();
  const { page } = useListState("group");
  const query = { page: String(page), limit: String(PAGE_SIZE) };
  const consumers = useLoad(
    (signal) => {
      const args = { param: { topic }, query };
      return read(api.topics[":topic"].consumers.$get(args, { init: { signal } }));
    },
    `${topic} ${page}`,
    RELOAD_MILLIS,
  );
  return (
    <Await of={consumers}>
      {({ items, total, failures }) => (
        <>
          <Failures failures={failures} />
          {total === 0
            ? (
              <Empty title={t("topic.noConsumers")} command={consumeCommand(topic)}>
                <p>{t("topic.noConsumersHelp")}</p>
              </Empty>
            )
            : (
              <Table
                label={t("topic.tab.consumers")}
                rows={items}
                rowKey={({ group }) => group}
                columns={[
                  {
                    title: t("topic.group"),
                    cell: ({ group }) => (
                      <Link href={hrefOf(["groups", group])} class="name">{group}</Link>
                    ),
                  },
                  {
                    title: t("topic.lag"),
                    isNumber: true,
                    cell: ({ diffTotal }) => formatCount(diffTotal),
                  },
                  {
                    title: t("topic.consumeRate"),
                    isNumber: true,
                    cell: ({ consumeTps }) => formatRate(consumeTps) + t("unit.perSecond"),
                  },
                  {
                    title: t("topic.consumedUpTo"),
                    isNumber: true,
                    cell: ({ lastTimestamp }) => formatTime(lastTimestamp),
                  },
                ]}
              />
            )}
          <ListPager page={page} total={total} />
        </>
      )}
    </Await>
  );
}

/** A consumer in Java, to be pasted. */
export function consumeCommand(topic: string): string {
  return `DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("my_consumers");
consumer.setNamesrvAddr("${location.hostname}:9876");
consumer.subscribe("${topic}", "*");
consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
  messages.forEach(message -> System.out.println(new String(message.getBody())));
  return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
});
consumer.start();`;
}

export function TopicRoute({ topic }: { topic: string }) {
  const t = useText();
  const route = useLoad(
    (signal) => read(api.topics[":topic"].route.$get({ param: { topic } }, { init: { signal } })),
    topic,
  );
  return (
    <Await of={route}>
      {({ brokerDatas, queueDatas, orderTopicConf }) => (
        <>
          <Table
            label={t("topic.tab.route")}
            rows={queueDatas}
            rowKey={({ brokerName }) => brokerName}
            columns={[
              { title: t("queue.broker"), cell: ({ brokerName }) => brokerName },
              {
                title: t("topic.addresses"),
                cell: ({ brokerName }) => addressesOf(brokerDatas, brokerName),
              },
              { title: t("topics.readQueues"), isNumber: true, cell: (row) => row.readQueueNums },
              { title: t("topics.writeQueues"), isNumber: true, cell: (row) => row.writeQueueNums },
              { title: t("topics.perm"), cell: ({ perm }) => permText(t, perm) },
            ]}
          />
          {orderTopicConf && (
            <p>
              {t("topic.fixedOrder")}: <code>{orderTopicConf}</code>
            </p>
          )}
        </>
      )}
    </Await>
  );
}

function addressesOf(
  brokers: readonly { brokerName: string; brokerAddrs: Record<string, string> }[],
  name: string,
): string {
  const addresses = brokers.find(({ brokerName }) => brokerName === name)?.brokerAddrs ?? {};
  return Object.entries(addresses).map(([id, address]) => `${id}: ${address}`).join(", ");
}
