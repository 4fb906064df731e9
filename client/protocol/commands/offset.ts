/** Consumer offsets, which the broker keeps for its groups. */

import { RequestCode } from "../request_code.ts";
import { bool, command, group, int, long, optional, topic } from "../header_schema.ts";

export const QUERY_CONSUMER_OFFSET = command({
  name: "QUERY_CONSUMER_OFFSET",
  code: RequestCode.QUERY_CONSUMER_OFFSET,
  access: "GET",
  request: { consumerGroup: group, topic, queueId: int, setZeroIfNotFound: optional(bool) },
  response: { offset: long },
});

export const UPDATE_CONSUMER_OFFSET = command({
  name: "UPDATE_CONSUMER_OFFSET",
  code: RequestCode.UPDATE_CONSUMER_OFFSET,
  access: "SUB",
  request: { consumerGroup: group, topic, queueId: int, commitOffset: long },
});
