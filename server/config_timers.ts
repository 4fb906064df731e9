/** The rows of the configuration for timer messages, with those that only shape the files for Apache's broker. */

import { bool, bytes, int } from "./setting.ts";

const MUTABLE = { mutable: true };

export const TIMERS = {
  timerWheelEnable: bool(true, "Whether messages may have a time of delivery"),
  timerMaxDelaySec: int(31_536_000, "How many seconds ahead that may be; a year", {
    apacheDefault: "259200",
    min: 1,
    ...MUTABLE,
  }),
  timerRollWindowSlot: int(
    172_800,
    "Messages that have waited so many seconds are stored anew, so that old log files can go",
    { min: 2 },
  ),
  timerPrecisionMs: int(
    1_000,
    "The precision of Apache's timer files in the data folder; Comet delivers to the millisecond",
    { min: 1 },
  ),
  mappedFileSizeTimerLog: bytes(104_857_600, "The size of one file of Apache's timer log", {
    min: 1024,
  }),
  recallMessageEnable: bool(true, "Whether producers may take such messages back", {
    apacheDefault: "false",
    ...MUTABLE,
  }),
  allowRecallWhenBrokerNotWriteable: bool(
    true,
    "Whether they may do so while brokerPermission forbids sending",
    MUTABLE,
  ),
};
