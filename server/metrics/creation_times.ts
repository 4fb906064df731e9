/** How long admins wait until a topic or a group is created or changed. */

import {
  UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
} from "../../client/protocol/commands/admin_group.ts";
import { UPDATE_AND_CREATE_TOPIC_LIST } from "../../client/protocol/commands/admin_topic.ts";
import { UPDATE_AND_CREATE_SUBSCRIPTIONGROUP } from "../../client/protocol/commands/group.ts";
import { UPDATE_AND_CREATE_TOPIC } from "../../client/protocol/commands/topic.ts";
import type { BrokerStats } from "../broker/stats/broker_stats.ts";
import type { Reply, Route } from "../dispatcher.ts";

interface Done {
  stats: Pick<BrokerStats, "events">;
  /** success or failure. */
  outcome: string;
  millis: number;
  isSystemTopic: boolean;
}

const topicDone = ({ stats, outcome, millis, isSystemTopic }: Done) =>
  stats.events.topicCreation.record(millis, outcome, String(isSystemTopic));
const groupDone = ({ stats, outcome, millis }: Done) =>
  stats.events.groupCreation.record(millis, outcome);

const COUNTED = new Map<number, (done: Done) => void>([
  [UPDATE_AND_CREATE_TOPIC.code, topicDone],
  [UPDATE_AND_CREATE_TOPIC_LIST.code, topicDone],
  [UPDATE_AND_CREATE_SUBSCRIPTIONGROUP.code, groupDone],
  [UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST.code, groupDone],
]);

/** The same routes; those that create something are timed. */
export function timeCreations(
  routes: readonly Route[],
  stats: Pick<BrokerStats, "events">,
  isSystemTopic: (topic: string) => boolean,
): Route[] {
  return routes.map((route) => {
    const record = COUNTED.get(route.command.code);
    return record === undefined ? route : timed(route, (context, isSuccess, millis) => {
      const { topic } = context.header as { topic?: string };
      const outcome = isSuccess ? "success" : "failure";
      const isSystem = topic !== undefined && isSystemTopic(topic);
      record({ stats, outcome, millis, isSystemTopic: isSystem });
    });
  });
}

type Handle = Route["handle"];
type Context = Parameters<Handle>[0];

function timed(
  { command, handle }: Route,
  onDone: (context: Context, isSuccess: boolean, millis: number) => void,
): Route {
  return {
    command,
    handle: async (context): Promise<Reply> => {
      const started = performance.now();
      let isSuccess = false;
      try {
        // None of them answers later.
        const reply = await handle(context) as Reply;
        isSuccess = true;
        return reply;
      } finally {
        onDone(context, isSuccess, performance.now() - started);
      }
    },
  };
}
