import { assertEquals, assertThrows } from "@std/assert";
import { SETTINGS } from "../../../server/config.ts";
import {
  CHANGEABLE_SETTINGS,
  checkedPatch,
  SAFE_TEXT_SETTINGS,
} from "../../../server/http/broker_settings.ts";

Deno.test("no setting that can be changed over HTTP takes a path, an address or a command", () => {
  const dangerous = ["/etc/passwd", "10.0.0.1:9876", "$(reboot)", "host.example", "a b", "../x"];
  for (const [key, { parse }] of CHANGEABLE_SETTINGS) {
    for (const text of dangerous) assertEquals(parse(text), undefined, `${key} takes ${text}`);
  }
  const texts = [...CHANGEABLE_SETTINGS].filter(([, row]) => typeof row.fallback === "string");
  assertEquals(texts.map(([key]) => key).sort(), [...SAFE_TEXT_SETTINGS].sort());
});

Deno.test("checkedPatch() says why a setting may not be changed", () => {
  const current = Object.fromEntries(Object.keys(SETTINGS).map((key) => [key, ""]));
  assertEquals(checkedPatch({ fileReservedTime: 24 }, current), { fileReservedTime: "24" });
  const refusals = {
    storePathRootDir: "cannot be changed over HTTP",
    listenPort: "cannot be changed over HTTP",
    noSuchSetting: "There is no setting",
  };
  for (const [key, reason] of Object.entries(refusals)) {
    assertThrows(() => checkedPatch({ [key]: "1" }, current), Error, reason);
  }
  assertThrows(() => checkedPatch({ fileReservedTime: "x" }, current), Error, "whole number");
  assertThrows(() => checkedPatch({ fileReservedTime: 1 }, {}), Error, "has no setting");
});
