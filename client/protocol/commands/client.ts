/** Clients: heartbeats, who is in a group, queue locks. Bodies are JSON. */

import { RequestCode } from "../request_code.ts";
import { bool, command, group, optional, str } from "../header_schema.ts";

export const HEART_BEAT = command({
  name: "HEART_BEAT",
  code: RequestCode.HEART_BEAT,
  access: "ANY",
  request: {},
  response: {
    /** The broker takes heartbeats that leave out what it has already. */
    IS_SUPPORT_HEART_BEAT_V2: bool,
    /** The broker does not have the subscriptions that the client believes it has: the next one must be whole. */
    IS_SUB_CHANGE: bool,
  },
});

export const UNREGISTER_CLIENT = command({
  name: "UNREGISTER_CLIENT",
  code: RequestCode.UNREGISTER_CLIENT,
  access: "ANY",
  request: { clientID: str, producerGroup: optional(str), consumerGroup: optional(group) },
});

export const CHECK_CLIENT_CONFIG = command({
  name: "CHECK_CLIENT_CONFIG",
  code: RequestCode.CHECK_CLIENT_CONFIG,
  access: "SUB",
  request: {},
});

export const GET_CONSUMER_LIST_BY_GROUP = command({
  name: "GET_CONSUMER_LIST_BY_GROUP",
  code: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
  access: "SUB",
  request: { consumerGroup: group },
});

/** Broker to client: the members of your group have changed, share the queues anew. */
export const NOTIFY_CONSUMER_IDS_CHANGED = command({
  name: "NOTIFY_CONSUMER_IDS_CHANGED",
  code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
  access: "SUB",
  request: { consumerGroup: group },
});

export const LOCK_BATCH_MQ = command({
  name: "LOCK_BATCH_MQ",
  code: RequestCode.LOCK_BATCH_MQ,
  access: "SUB",
  request: {},
});

export const UNLOCK_BATCH_MQ = command({
  name: "UNLOCK_BATCH_MQ",
  code: RequestCode.UNLOCK_BATCH_MQ,
  access: "SUB",
  request: {},
});
