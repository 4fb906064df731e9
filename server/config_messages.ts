/** The rows of the configuration that say what messages may be and where they go. */

import { bool, delayLevels, int } from "./setting.ts";

const MUTABLE = { mutable: true };
const OWN = { own: true };

export const MESSAGES = {
  messageDelayLevel: delayLevels(
    "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
    "The delay levels, from level 1 on",
  ),
  enableMixedMessageType: bool(
    false,
    "Whether topics may be for messages of all types (message.type=MIXED)",
    MUTABLE,
  ),
  enableTopicMessageTypeCheck: bool(
    false,
    "Whether messages are refused whose type is not the message.type of their topic, as Apache's proxy does",
    { ...OWN, ...MUTABLE },
  ),
  enableLmq: bool(
    false,
    "With enableMultiDispatch: whether messages go to the queues %LMQ%... that they name as well",
  ),
  enableMultiDispatch: bool(false, "With enableLmq: the same"),
  maxLmqConsumeQueueNum: int(20_000, "The most queues %LMQ%...; messages for more are refused", {
    min: 1,
    ...MUTABLE,
  }),
};
