import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  findProperty,
  parseProperties,
  printProperties,
} from "../../../../client/protocol/message.ts";
import { RemotingError, ResponseCode } from "../../../../client/protocol/response_code.ts";
import {
  dueTime,
  readTimerProperties,
  slotOf,
  timed,
  TIMER_TOPIC,
} from "../../../../server/broker/timer/timer_message.ts";
import { messageToStore } from "../../../helpers/store.ts";

const NOW = 1_700_000_000_000;
const SETTINGS = { timerWheelEnable: true, timerMaxDelaySec: 3_600 };

function propertiesOf(properties: Record<string, string | number>): string {
  return printProperties(Object.entries(properties).map(([name, value]) => [name, String(value)]));
}

function timedWith(properties: Record<string, string | number>, settings = SETTINGS) {
  const message = messageToStore("T", "x", { queueId: 3, properties: propertiesOf(properties) });
  return timed(message, settings, NOW);
}

Deno.test("timed() takes TIMER_DELAY_SEC before TIMER_DELAY_MS before TIMER_DELIVER_MS, to the millisecond", () => {
  const rows: [Record<string, string | number>, due: number][] = [
    [{ TIMER_DELAY_SEC: 2, TIMER_DELAY_MS: 7, TIMER_DELIVER_MS: NOW + 9 }, NOW + 2_000],
    [{ TIMER_DELAY_MS: 7, TIMER_DELIVER_MS: NOW + 9 }, NOW + 7],
    [{ TIMER_DELIVER_MS: NOW + 9 }, NOW + 9],
    [{ TIMER_DELAY_SEC: 3_600 }, NOW + 3_600_000],
  ];
  for (const [properties, due] of rows) {
    const message = timedWith({ UNIQ_KEY: "K", ...properties });
    assertEquals([message.topic, message.queueId], [TIMER_TOPIC, 0]);
    const timer = readTimerProperties(message.properties)!;
    assertEquals([timer.topic, timer.queueId, timer.uniqKey, timer.due], ["T", 3, "K", due]);
    assertEquals(findProperty(message.properties, "TIMER_OUT_MS"), String(due - 1));
  }
});

Deno.test("timed() gives a unique key to a message that has none", () => {
  const keys = [1, 2].map(() =>
    findProperty(timedWith({ TIMER_DELAY_MS: 9 }).properties, "UNIQ_KEY")!
  );
  assert(keys.every((key) => /^[0-9A-F]{32}$/.test(key)), String(keys));
  assert(keys[0] !== keys[1]);
});

Deno.test("timed() never gives a time that could be Apache's", () => {
  for (let delay = 1; delay < 300; delay++) {
    const { properties } = timedWith({ TIMER_DELAY_MS: delay });
    assert(Number(findProperty(properties, "TIMER_OUT_MS")) % 100 !== 0);
    const late = dueTime(properties)! - NOW - delay;
    assert(late === 0 || late === 1, `${late}`);
  }
});

Deno.test("timed() leaves messages alone whose time has come, or that have waited", () => {
  const rows = [
    { TIMER_DELIVER_MS: NOW },
    { TIMER_DELAY_SEC: 0 },
    { TIMER_DELAY_MS: -5 },
    {
      TIMER_DELAY_MS: 5,
      TIMER_OUT_MS: 1,
    },
    { KEYS: "k" },
    { TIMER_DELAY_SEC: "" },
  ];
  for (const properties of rows) assertEquals(timedWith(properties).topic, "T");
});

Deno.test("timed() refuses times that are none, too far away, or past for what cancels; and all without timerWheelEnable", () => {
  const { MESSAGE_ILLEGAL, SYSTEM_ERROR } = ResponseCode;
  const rows: [Record<string, string | number>, code: number, settings?: typeof SETTINGS][] = [
    [{ TIMER_DELAY_SEC: "soon" }, MESSAGE_ILLEGAL],
    [{ TIMER_DELIVER_MS: "12.5" }, MESSAGE_ILLEGAL],
    [{ TIMER_DELAY_MS: 3_600_001 }, MESSAGE_ILLEGAL],
    [{ TIMER_DELIVER_MS: NOW, TIMER_DEL_UNIQKEY: "T+K" }, MESSAGE_ILLEGAL],
    [{ TIMER_DELAY_MS: 5 }, SYSTEM_ERROR, { ...SETTINGS, timerWheelEnable: false }],
    [{ TIMER_DELAY_MS: 5, text: "x".repeat(32_600) }, MESSAGE_ILLEGAL],
  ];
  for (const [properties, code, settings] of rows) {
    const error = assertThrows(() => timedWith(properties, settings), RemotingError);
    assertEquals((error as RemotingError).code, code, JSON.stringify(properties).slice(0, 100));
  }
});

Deno.test("dueTime() of what Apache's broker has stored is the end of its slot, or the very time if it is known", () => {
  const slot = 1_700_000_005_000;
  const rows: [Record<string, string | number>, due: number][] = [
    [{ TIMER_DELAY_MS: 5_500 }, slot + 1_000],
    [{ TIMER_DELIVER_MS: slot + 432 }, slot + 432],
    [{ TIMER_DELIVER_MS: slot + 1_000 }, slot + 1_000],
    [{ TIMER_DELIVER_MS: slot + 432, TIMER_DELAY_SEC: 5 }, slot + 1_000],
    [{ TIMER_DELIVER_MS: 5 }, slot + 1_000],
  ];
  for (const [properties, due] of rows) {
    assertEquals(dueTime(propertiesOf({ ...properties, TIMER_OUT_MS: slot })), due);
  }
  assertEquals(dueTime(propertiesOf({ TIMER_OUT_MS: slot + 1 })), slot + 2);
  assertEquals(dueTime(propertiesOf({ TIMER_DELAY_MS: 1 })), undefined);
  assertEquals(slotOf(slot), { from: slot + 1, until: slot + 1_000 });
  assertEquals(slotOf(slot + 999), { from: slot + 1, until: slot + 1_000 });
});

Deno.test("readTimerProperties() refuses what has no time or no place to go", () => {
  const good = { TIMER_OUT_MS: 5, REAL_TOPIC: "T", REAL_QID: 0 };
  assert(readTimerProperties(propertiesOf(good)) !== undefined);
  const wrong = [
    { TIMER_OUT_MS: "x" },
    { REAL_TOPIC: "../x" },
    { REAL_TOPIC: ".." },
    {
      REAL_TOPIC: "",
    },
    { REAL_QID: -1 },
    { REAL_QID: 65_536 },
    { REAL_QID: "a" },
  ];
  for (const one of wrong) {
    assertEquals(readTimerProperties(propertiesOf({ ...good, ...one })), undefined);
  }
  for (const name of Object.keys(good)) {
    const map = parseProperties(propertiesOf(good));
    map.delete(name);
    assertEquals(readTimerProperties(printProperties(map)), undefined);
  }
});
