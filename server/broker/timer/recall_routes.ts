/**
 * A producer takes a timer message back. Codes and remarks are Apache's (RecallMessageProcessor.java of 5.3.3), also in
 * that a handle of a message that there is not is answered with success.
 */

import { RECALL_MESSAGE } from "../../../client/protocol/commands/send.ts";
import { parseRecallHandle } from "../../../client/protocol/recall_handle.ts";
import { refuse, ResponseCode } from "../../../client/protocol/response_code.ts";
import { isWriteable } from "../../../client/protocol/topic_config.ts";
import { PARKED, type Route, route } from "../../dispatcher.ts";
import { describeError } from "../../log.ts";
import { bornHostOf } from "../send_routes.ts";
import type { TopicTable } from "../topic_table.ts";
import type { TimerCancel } from "./timer_cancel.ts";

export interface RecallDeps {
  settings: {
    brokerName: string;
    brokerPermission: number;
    recallMessageEnable: boolean;
    allowRecallWhenBrokerNotWriteable: boolean;
    timerWheelEnable: boolean;
    timerMaxDelaySec: number;
  };
  topics: Pick<TopicTable, "get">;
  cancel: TimerCancel;
  now: () => number;
}

/** The handler of RECALL_MESSAGE. */
export function recallRoutes({ settings, topics, cancel, now }: RecallDeps): Route[] {
  return [
    route(RECALL_MESSAGE, ({ header, connection, respond }) => {
      const { topic, producerGroup } = header;
      if (!settings.recallMessageEnable) {
        throw refuse(ResponseCode.NO_PERMISSION, "recall failed, operation is forbidden");
      }
      const isAllowed = isWriteable(settings.brokerPermission) ||
        settings.allowRecallWhenBrokerNotWriteable;
      if (!isAllowed) {
        const remark = "recall failed, broker service not available";
        throw refuse(ResponseCode.SERVICE_NOT_AVAILABLE, remark);
      }
      if (topics.get(topic) === undefined) {
        const remark = `recall failed, the topic[${topic}] not exist`;
        throw refuse(ResponseCode.TOPIC_NOT_EXIST, remark);
      }
      const handle = parseRecallHandle(header.recallHandle);
      if (handle === undefined) throw illegal("recall handle is invalid");
      if (handle.topic !== topic) throw illegal("recall failed, topic not match");
      if (handle.brokerName !== settings.brokerName) {
        throw illegal("recall failed, broker service not available");
      }
      const { uniqKey, timestamp: due } = handle;
      const timeLeft = due - now();
      if (!(timeLeft > 0 && timeLeft < settings.timerMaxDelaySec * 1_000)) {
        throw illegal("recall failed, timestamp invalid");
      }
      const bornHost = bornHostOf(connection);
      cancel.put({ topic, uniqKey, due, producerGroup, bornHost }, (failure) => {
        respond(
          failure === undefined ? { header: { msgId: uniqKey } } : {
            code: ResponseCode.SYSTEM_ERROR,
            remark: `recall failed, execute error: ${describeError(failure)}`,
          },
        );
      });
      return PARKED;
    }),
  ];
}

function illegal(remark: string): Error {
  return refuse(ResponseCode.ILLEGAL_OPERATION, remark);
}
