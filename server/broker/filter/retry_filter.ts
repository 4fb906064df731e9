/** filterSupportRetry: messages that come again pass the filter of the topic that they first came from. */

import { MessageProperty } from "../../../client/protocol/message.ts";
import { recordPropertiesStart } from "../../../client/protocol/message_record.ts";
import type { ConsumerFilterTable } from "../consumer_filter_table.ts";
import type { RecordFilter } from "../message_filter.ts";
import { RETRY_GROUP_TOPIC_PREFIX } from "../topic_name.ts";
import { RecordProperties } from "./record_properties.ts";

/** In the retry topic of a group and one of its topics: POP's second spelling. */
const GROUP_TOPIC_SEPARATOR = "+";

/**
 * A filter for a retry topic: each message is tested by what its group now filters by on the topic in its property
 * RETRY_TOPIC, and passes where there is no such filter.
 * Source: ExpressionForRetryMessageFilter.java of Apache RocketMQ 5.3.3.
 */
export function retryFilterOf(
  retryTopic: string,
  filters: Pick<ConsumerFilterTable, "get">,
): RecordFilter {
  const [group] = retryTopic.slice(RETRY_GROUP_TOPIC_PREFIX.length).split(GROUP_TOPIC_SEPARATOR);
  const properties = new RecordProperties([MessageProperty.RETRY_TOPIC]);
  return {
    matchesTagsCode: () => true,
    matchesRecord(record) {
      properties.load(record, recordPropertiesStart(record), record.length);
      const realTopic = properties.text(0);
      const data = realTopic === null ? undefined : filters.get(realTopic, group!);
      return data === undefined || data.deadTime > 0 || data.filter.matchesRecord(record);
    },
  };
}
