/** `comet admin`: how far groups are, and taking them elsewhere. */

import { brokerConsumeStats } from "../../client/admin/broker_consume_stats.ts";
import { fanOut, mapLimited } from "../../client/admin/fan_out.ts";
import { createGroup, findGroup, findGroupOrNone, listGroups } from "../../client/admin/groups.ts";
import { allGroupLags, groupProgress } from "../../client/admin/progress.ts";
import {
  applyReset,
  cloneOffsets,
  committedOffset,
  planReset,
  type QueueReset,
  type ResetTarget,
} from "../../client/admin/reset.ts";
import { readQueues } from "../../client/admin/queue_reading.ts";
import { brokerRate, groupsOfTopic, topicConsumers, topicStats } from "../../client/admin/stats.ts";
import { findTopic, listTopics, type Topic } from "../../client/admin/topics.ts";
import { UsageError } from "../flags.ts";
import { adminCommand, type AdminContext } from "./admin_command.ts";
import { bool, integer, required, text, time, toggle } from "./admin_flags.ts";
import {
  type AdminOutput,
  type Columns,
  partsOutput,
  recordOutput,
  tableOutput,
  timeText,
} from "./admin_output.ts";
import { BROKER_FLAGS, brokersToAsk } from "./broker_choice.ts";

const area = "Offsets";
const group = required(text("g", "GROUP", "the group's name"));
const topic = required(text("t", "TOPIC", "the topic's name"));
const force = bool("f", "whether it may also be taken ahead (true)");
/** Topics that are looked at at the same time. */
const TOPICS_AT_A_TIME = 32;

export const OFFSET_COMMANDS = {
  consumerProgress: adminCommand({
    area,
    help: "show how far a group is by queue, or all groups",
    flags: {
      groupName: text("g", "GROUP", "one group by queue; all groups without it"),
      topicName: text("t", "TOPIC", "only this topic of the group's"),
      showClientIP: bool("s", "ask the members which queues they have"),
    },
    async run(context, { groupName, topicName, showClientIP = false }) {
      if (groupName === undefined) return await allProgress(context);
      const { group } = await findGroup(context.admin, groupName);
      const progress = await groupProgress(context.admin, group, {
        topic: topicName,
        owners: showClientIP,
        now: context.now(),
      });
      const { consumeTps, diffTotal, inflightTotal } = progress;
      return {
        ...partsOutput({
          queues: tableOutput(progress.queues, {
            Topic: (row) => row.topic,
            Broker: (row) => row.brokerName,
            Queue: (row) => row.queueId,
            "Broker offset": (row) => row.brokerOffset,
            "Consumer offset": (row) => row.consumerOffset,
            Diff: (row) => row.diff,
            "In flight": (row) => row.inflight,
            ...(showClientIP ? { Client: (row) => row.clientId } : {}),
            "Last consumed": (row) => timeText(row.lastTimestamp),
          }),
          total: recordOutput({
            "Consume TPS": consumeTps.toFixed(2),
            "Diff total": diffTotal,
            "In flight total": inflightTotal,
          }),
        }),
        data: progress,
        failures: progress.failures,
      };
    },
  }),
  brokerConsumeStats: adminCommand({
    area,
    help: "show how far every group is at one broker, by queue",
    flags: {
      brokerAddr: required(BROKER_FLAGS.brokerAddr),
      timeoutMillis: integer("t", "MILLIS", "how long to wait for the broker (50000)"),
      level: integer("l", "COUNT", "only queues with a larger difference (0)"),
      order: bool("o", "only topics that are ordered"),
    },
    async run({ admin }, { brokerAddr, timeoutMillis = 50_000, level, order: isOrder = false }) {
      const stats = await brokerConsumeStats(admin, brokerAddr, { isOrder, timeoutMillis });
      const rows = stats.filter(({ diff }) => level === undefined || diff > level);
      return tableOutput(rows, {
        Topic: (row) => row.topic,
        Group: (row) => row.group,
        Broker: (row) => row.brokerName,
        Queue: (row) => row.queueId,
        "Broker offset": (row) => row.brokerOffset,
        "Consumer offset": (row) => row.consumerOffset,
        Diff: (row) => row.diff,
        "Last consumed": (row) => timeText(row.lastTimestamp),
      });
    },
  }),
  statsAll: adminCommand({
    area,
    help: "show the traffic of topics and how far their groups are",
    flags: {
      topic: text("t", "TOPIC", "only this topic"),
      activeTopic: toggle("a", "only topics with traffic"),
    },
    run: statsAll,
  }),
  resetOffsetByTime: adminCommand({
    area,
    help: "take a group to a time or an offset of a topic, whether it is online or not",
    hasDryRun: true,
    flags: {
      group,
      topic,
      timestamp: time("s", "now, milliseconds, 2026-01-31#23:59:59:000, ISO 8601"),
      offset: integer("o", "OFFSET", "this queueOffset, with -q"),
      queue: integer("q", "QUEUE", "only this queue, with -o"),
      broker: text("b", "ADDR", "the broker of the queue"),
      force,
    },
    async run(context, values) {
      const target = await resetTarget(context, values);
      return await reset(context, { ...values, target });
    },
  }),
  skipAccumulatedMessage: adminCommand({
    area,
    help: "take a group to the end of a topic",
    hasDryRun: true,
    flags: { group, topic, force },
    async run(context, values) {
      return await reset(context, { ...values, target: { to: "latest" } });
    },
  }),
  cloneGroupOffset: adminCommand({
    area,
    help: "give a group the offsets of another",
    hasDryRun: true,
    flags: {
      srcGroup: required(text("s", "GROUP", "the group that has them")),
      destGroup: required(
        text("d", "GROUP", "the group that gets them; made when it is not there"),
      ),
      topic,
      offline: bool("o", "taken, since it makes no difference here"),
    },
    run: cloneGroupOffset,
  }),
};

async function allProgress({ admin }: AdminContext): Promise<AdminOutput> {
  const [{ groups, failures }, { lags, failures: lagFailures }] = await Promise.all([
    listGroups(admin),
    allGroupLags(admin),
  ]);
  const names = new Set([...groups.map(({ group }) => group), ...lags.keys()]);
  const rows = [...names].sort().map((group) => {
    const { diffTotal = 0, consumeTps = 0, topicCount = 0 } = lags.get(group) ?? {};
    return { group, topicCount, consumeTps, diffTotal };
  });
  return tableOutput(rows, {
    Group: (row) => row.group,
    Topics: (row) => row.topicCount,
    TPS: (row) => Math.round(row.consumeTps * 100) / 100,
    "Diff total": (row) => row.diffTotal,
  }, { failures: [...failures, ...lagFailures] });
}

/** A topic and a group that consumes it, or none. */
interface StatsRow {
  readonly topic: string;
  readonly group?: string;
  readonly accumulation?: number;
  readonly inTps: number;
  readonly inMsg24Hour: number;
  readonly outTps?: number;
  readonly outMsg24Hour?: number;
}

async function statsAll(
  { admin }: AdminContext,
  { topic, activeTopic }: { topic: string | undefined; activeTopic: boolean },
): Promise<AdminOutput> {
  const topics = topic === undefined
    ? (await listTopics(admin)).topics.filter(({ type }) => type !== "retry" && type !== "dlq")
    : [(await findTopic(admin, topic)).topic];
  const found = await mapLimited(topics, TOPICS_AT_A_TIME, (row) => statsOf(admin, row));
  const rows = found.flat().filter(({ inTps, outTps = 0 }) => !activeTopic || inTps + outTps > 0);
  return tableOutput(rows, {
    Topic: (row) => row.topic,
    Group: (row) => row.group,
    Accumulation: (row) => row.accumulation,
    "In TPS": (row) => rounded(row.inTps),
    "Out TPS": (row) => rounded(row.outTps),
    "In 24 h": (row) => row.inMsg24Hour,
    "Out 24 h": (row) => row.outMsg24Hour,
  });
}

async function statsOf(admin: AdminContext["admin"], topic: Topic): Promise<StatsRow[]> {
  const [{ put }, { groups }] = await Promise.all([
    topicStats(admin, topic),
    groupsOfTopic(admin, topic),
  ]);
  const into = { topic: topic.topic, inTps: put.tps, inMsg24Hour: put.sumDay };
  if (groups.length === 0) return [into];
  const consumers = await topicConsumers(admin, topic, groups);
  return await Promise.all(consumers.map(async ({ group, diffTotal: accumulation }) => {
    const { answers } = await fanOut(
      topic.brokers,
      ({ brokerAddr }) =>
        brokerRate(admin, brokerAddr, "GROUP_GET_NUMS", `${topic.topic}@${group}`),
    );
    return {
      ...into,
      group,
      accumulation,
      outTps: answers.reduce((sum, { value }) => sum + value.tps, 0),
      outMsg24Hour: answers.reduce((sum, { value }) => sum + value.sumDay, 0),
    };
  }));
}

function rounded(rate: number | undefined): number | undefined {
  return rate === undefined ? undefined : Math.round(rate * 100) / 100;
}

async function resetTarget(
  context: AdminContext,
  { topic, timestamp, offset, queue, broker }: {
    topic: string;
    timestamp: number | undefined;
    offset: number | undefined;
    queue: number | undefined;
    broker: string | undefined;
  },
): Promise<ResetTarget> {
  if (offset === undefined && queue === undefined) {
    if (timestamp === undefined) throw new UsageError("where to? -s TIME, or -q QUEUE -o OFFSET");
    return timestamp < 0 ? { to: "latest" } : { timestamp };
  }
  if (offset === undefined || queue === undefined) {
    throw new UsageError("-q QUEUE and -o OFFSET belong together");
  }
  const names = broker === undefined
    ? (await context.admin.mastersOf(topic)).map(({ brokerName }) => brokerName)
    : (await brokersToAsk(context, { brokerAddr: broker, clusterName: undefined }))
      .map(({ brokerName }) => brokerName);
  if (names.length !== 1) {
    throw new UsageError("several brokers have the topic; say which with -b ADDR");
  }
  return { offsets: { [`${names[0]}:${queue}`]: offset } };
}

async function reset(
  { admin, isDryRun }: AdminContext,
  { group, topic, target, force = true }: {
    group: string;
    topic: string;
    target: ResetTarget;
    force: boolean | undefined;
  },
): Promise<AdminOutput> {
  const { group: found } = await findGroup(admin, group);
  const plan = await planReset(admin, found, { topic, target, force });
  const { failures } = isDryRun ? { failures: [] } : await applyReset(admin, plan, target, force);
  const table = tableOutput(plan.queues, {
    ...RESET_COLUMNS,
    [isDryRun ? "Would be" : "New"]: (row) => row.newOffset,
    Again: (row) => row.replayCount,
    Skipped: (row) => row.skipCount,
  });
  return { ...table, data: { ...plan, isDryRun }, failures };
}

const RESET_COLUMNS: Columns<QueueReset> = {
  Broker: (row) => row.brokerName,
  Queue: (row) => row.queueId,
  Min: (row) => row.minOffset,
  Max: (row) => row.maxOffset,
  Old: (row) => row.oldOffset,
};

async function cloneGroupOffset(
  { admin, isDryRun }: AdminContext,
  { srcGroup, destGroup, topic }: { srcGroup: string; destGroup: string; topic: string },
): Promise<AdminOutput> {
  const { group: source } = await findGroup(admin, srcGroup);
  const queues = await readQueues(admin, topic);
  const rows = await mapLimited(queues, TOPICS_AT_A_TIME, async (queue) => ({
    brokerName: queue.brokerName,
    queueId: queue.queueId,
    oldOffset: await committedOffset(admin, destGroup, queue),
    newOffset: await committedOffset(admin, srcGroup, queue),
  }));
  const table = tableOutput(rows, {
    Broker: (row) => row.brokerName,
    Queue: (row) => row.queueId,
    Old: (row) => row.oldOffset,
    [isDryRun ? "Would be" : "New"]: (row) => row.newOffset ?? row.oldOffset,
  });
  const data = { srcGroup, destGroup, topic, isDryRun, queues: rows };
  if (isDryRun) return { ...table, data };
  if (await findGroupOrNone(admin, destGroup) === undefined) {
    const brokerNames = source.brokers.map(({ broker }) => broker.brokerName);
    await createGroup(admin, destGroup, {}, { brokerNames });
  }
  const { failures } = await cloneOffsets(admin, source, destGroup, [topic]);
  return { ...table, data, failures };
}
