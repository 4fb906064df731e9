/** Messages, printed whole or as rows. */

import type { Message } from "../../client/admin/message.ts";
import { messageJson } from "../http/message_schema.ts";
import { printable } from "../store_output.ts";
import { type AdminOutput, type Columns, recordOutput, timeText } from "./admin_output.ts";

/** All there is to a message. */
export function messageOutput(message: Message): AdminOutput {
  const output = recordOutput({
    Topic: message.topic,
    "Message id": message.msgId,
    "Offset id": message.offsetMsgId,
    Tags: message.tags,
    Keys: message.keys.length > 0 ? message.keys.join(" ") : undefined,
    Broker: message.brokerName,
    Queue: message.queueId,
    "Queue offset": message.queueOffset,
    "Physical offset": message.physicalOffset,
    Born: `${timeText(message.bornTimestamp)} at ${message.bornHost}`,
    Stored: `${timeText(message.storeTimestamp)} at ${message.storeHost}`,
    "Consumed again": message.reconsumeTimes,
    "System flag": message.sysFlag,
    Properties: message.properties,
    Body: bodyText(message),
    "Body bytes": message.bodyLength,
    "Body problem": message.bodyProblem,
  });
  return { ...output, data: messageJson(message, "auto") };
}

/** A message in a row of a table. */
export const MESSAGE_COLUMNS: Columns<Message> = {
  "Message id": (row) => row.msgId,
  Broker: (row) => row.brokerName,
  Queue: (row) => row.queueId,
  Offset: (row) => row.queueOffset,
  Tags: (row) => row.tags,
  Keys: (row) => row.keys.join(" "),
  Stored: (row) => timeText(row.storeTimestamp),
};

/** A message in one line. */
export function messageLine(message: Message, withBody: boolean): AdminOutput {
  const text = () => {
    const { msgId, brokerName, queueId, queueOffset, tags, keys } = message;
    const words = [
      timeText(message.storeTimestamp),
      `${brokerName}:${queueId}:${queueOffset}`,
      msgId,
      ...(tags === undefined ? [] : [`tags=${tags}`]),
      ...(keys.length === 0 ? [] : [`keys=${keys.join(",")}`]),
      ...(withBody ? [bodyText(message)] : []),
    ];
    return printable(words.join("  ")) + "\n";
  };
  return { data: messageJson(message, "auto"), text };
}

/** The body as text, JSON or, when it is neither, base64. */
function bodyText(message: Message): string {
  const { body, bodyEncoding } = messageJson(message, "auto");
  return bodyEncoding === "base64" ? `base64 ${body}` : String(body);
}
