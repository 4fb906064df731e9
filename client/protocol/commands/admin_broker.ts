/** The broker as a whole: its settings, its figures, its files. */

import { RequestCode } from "../request_code.ts";
import { bool, command, fallback, str } from "../header_schema.ts";

/** The body is settings as `key=value` lines. */
export const UPDATE_BROKER_CONFIG = command({
  name: "UPDATE_BROKER_CONFIG",
  code: RequestCode.UPDATE_BROKER_CONFIG,
  access: "UPDATE",
  request: {},
});

/** The answer's body is all settings as `key=value` lines. */
export const GET_BROKER_CONFIG = command({
  name: "GET_BROKER_CONFIG",
  code: RequestCode.GET_BROKER_CONFIG,
  access: "GET",
  request: {},
  response: {
    /** A DataVersion as JSON. */
    version: str,
  },
});

/** The answer's body is a KVTable. */
export const GET_BROKER_RUNTIME_INFO = command({
  name: "GET_BROKER_RUNTIME_INFO",
  code: RequestCode.GET_BROKER_RUNTIME_INFO,
  access: "GET",
  request: {},
});

/** The answer's body is a BrokerStatsData. */
export const VIEW_BROKER_STATS_DATA = command({
  name: "VIEW_BROKER_STATS_DATA",
  code: RequestCode.VIEW_BROKER_STATS_DATA,
  access: "GET",
  request: {
    statsName: str,
    /** A topic, or `TOPIC@GROUP`. */
    statsKey: str,
  },
});

/** The answer's body is a ConsumeStatsList, with every group. */
export const GET_BROKER_CONSUME_STATS = command({
  name: "GET_BROKER_CONSUME_STATS",
  code: RequestCode.GET_BROKER_CONSUME_STATS,
  access: "GET",
  request: {
    /** Only topics that are ordered. */
    isOrder: fallback(bool, false),
  },
});

export const CLEAN_EXPIRED_CONSUMEQUEUE = command({
  name: "CLEAN_EXPIRED_CONSUMEQUEUE",
  code: RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE,
  access: "DELETE",
  request: {},
});

/** Deletes the queues of topics that are not there any more. */
export const CLEAN_UNUSED_TOPIC = command({
  name: "CLEAN_UNUSED_TOPIC",
  code: RequestCode.CLEAN_UNUSED_TOPIC,
  access: "DELETE",
  request: {},
});

/** Deletes log files that have expired, whatever the hour. */
export const DELETE_EXPIRED_COMMITLOG = command({
  name: "DELETE_EXPIRED_COMMITLOG",
  code: RequestCode.DELETE_EXPIRED_COMMITLOG,
  access: "DELETE",
  request: {},
});

/** The answer's body is the document of delayOffset.json. */
export const GET_ALL_DELAY_OFFSET = command({
  name: "GET_ALL_DELAY_OFFSET",
  code: RequestCode.GET_ALL_DELAY_OFFSET,
  access: "GET",
  request: {},
});

/** The answer's body is the document of consumerOffset.json. */
export const GET_ALL_CONSUMER_OFFSET = command({
  name: "GET_ALL_CONSUMER_OFFSET",
  code: RequestCode.GET_ALL_CONSUMER_OFFSET,
  access: "GET",
  request: {},
});

/** The answer's body is a TimerCheckpoint, 56 bytes. */
export const GET_TIMER_CHECK_POINT = command({
  name: "GET_TIMER_CHECK_POINT",
  code: RequestCode.GET_TIMER_CHECK_POINT,
  access: "GET",
  request: {},
});

/** The answer's body is the document of `timermetrics`: how many messages wait, by topic. */
export const GET_TIMER_METRICS = command({
  name: "GET_TIMER_METRICS",
  code: RequestCode.GET_TIMER_METRICS,
  access: "GET",
  request: {},
});

/** The answer's body is an HARuntimeInfo. */
export const GET_BROKER_HA_STATUS = command({
  name: "GET_BROKER_HA_STATUS",
  code: RequestCode.GET_BROKER_HA_STATUS,
  access: "GET",
  request: {},
});
