/** What timer messages cost, and what others pay for them: `deno task bench tests/bench/timer_bench.ts`. */

import { timed } from "../../server/broker/timer/timer_message.ts";
import { delivered, mayBeTimer, readTimerRecord } from "../../server/broker/timer/timer_message.ts";
import { denoFileSystem } from "../../store/file_system.ts";
import { TimerStore } from "../../store/timer/timer_store.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

const SETTINGS = { timerWheelEnable: true, timerMaxDelaySec: 31_536_000 };
const FILES = { mappedFileSizeCommitLog: 1 << 30, mappedFileSizeConsumeQueue: 6_000_000 };
const NOW = 1_700_000_000_000;
const ORDINARY =
  "UNIQ_KEY\u00017F00000146E0251A69D70000012C0000\u0002WAIT\u0001true\u0002TAGS\u0001paid\u0002" +
  "MSG_REGION\u0001DefaultRegion\u0002TRACE_ON\u0001true\u0002CLUSTER\u0001DefaultCluster\u0002";
const TIMER = `${ORDINARY}TIMER_DELIVER_MS\u0001${NOW + 3_600_000}\u0002`;
const message = messageToStore("Orders", new Uint8Array(1024), { properties: TIMER });
const waiting = timed(message, SETTINGS, NOW);

const store = openStore(Deno.makeTempDirSync(), { ...FILES, diskMinFreeBytes: 1 });
const first = store.putMessage(waiting);
if (first.status !== "PUT_OK") throw new Error(first.status);
const { physicalOffset, endOffset } = first;
const record = store.readTail(physicalOffset, endOffset - physicalOffset)!.slice();

const timers = new TimerStore(denoFileSystem, Deno.makeTempDirSync(), () => {});
timers.create(1);
let queueOffset = 0;

Deno.bench("an ordinary send: is it a timer message?", () => {
  mayBeTimer(ORDINARY);
});

Deno.bench("a timer message on its way to its topic", () => {
  timed(message, SETTINGS, NOW);
});

Deno.bench("a timer message sent, 1 KiB (without the write)", () => {
  store.putMessage(timed(message, SETTINGS, NOW));
  if (++queueOffset % 1_000 === 0) store.commit();
});

Deno.bench("the same without a time of delivery", () => {
  store.putMessage(message);
  if (++queueOffset % 1_000 === 0) store.commit();
});

Deno.bench("a record taken into the index and out again", () => {
  const place = { due: NOW + queueOffset * 7_919 % 1_000_003, physicalOffset, size: 1_300 };
  timers.index.add(
    { ...place, queueOffset: queueOffset++ },
    "Orders",
    timers.index.keyOf("Orders+K"),
  );
  const [entry] = timers.index.take(Infinity, { countMax: 1, bytesMax: 1, isHeld: () => false });
  timers.index.end(entry!);
});

Deno.bench("a message made for delivery", () => {
  delivered(readTimerRecord(record), NOW);
});

Deno.bench("a message delivered, 1 KiB (without the write)", () => {
  store.putMessage(delivered(readTimerRecord(record), NOW)!);
  if (++queueOffset % 1_000 === 0) store.commit();
});
