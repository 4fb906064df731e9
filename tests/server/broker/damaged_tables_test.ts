import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HeldReplies } from "../../../server/broker/held_replies.ts";
import { RequestModeTable } from "../../../server/broker/pop/request_mode_table.ts";
import { Schedule } from "../../../server/broker/schedule.ts";
import { SCHEDULE_TOPIC } from "../../../store/dispatch.ts";
import { CorruptStoreError } from "../../../store/errors.ts";
import { denoFileSystem } from "../../../store/file_system.ts";
import { setupTables } from "../../helpers/broker_tables.ts";
import { messageToStore, openStore } from "../../helpers/store.ts";

type Tables = ReturnType<typeof setupTables>;

interface Kind {
  /** The file's text, of one version or another. */
  text: (version: number) => string;
  /** The version that is loaded. */
  load: (tables: Tables) => number;
}

/** Has messages in the queue of the first delay level. */
const delayed = openStore(Deno.makeTempDirSync());
for (let n = 0; n < 3; n++) delayed.putMessage(messageToStore(SCHEDULE_TOPIC, "x"));
await delayed[Symbol.asyncDispose]();

const VERSION = '"dataVersion":{"counter":1,"stateVersion":0,"timestamp":5}';

/** Apache's files, as it writes them. */
const KINDS: Readonly<Record<string, Kind>> = {
  "topics.json": {
    text: (version) =>
      `{${VERSION},"topicConfigTable":{"T":{"attributes":{},"order":false,"perm":6,` +
      `"readQueueNums":${version},"topicFilterType":"SINGLE_TAG","topicName":"T",` +
      `"topicSysFlag":0,"writeQueueNums":8}}}`,
    load: (tables) => tables.openTopics().get("T")!.readQueueNums,
  },
  "consumerOffset.json": {
    text: (version) => `{${VERSION},"offsetTable":{"T@G":{0:${version}}}}`,
    load: (tables) => tables.openOffsets().queryOffset("G", "T", 0),
  },
  "subscriptionGroup.json": {
    text: (version) =>
      `{${VERSION},"forbiddenTable":{},"subscriptionGroupTable":{"G":{"brokerId":0,` +
      `"consumeBroadcastEnable":true,"consumeEnable":true,"groupName":"G",` +
      `"retryMaxTimes":${version},"retryQueueNums":1}}}`,
    load: (tables) => tables.openGroups().find("G")!.retryMaxTimes,
  },
  "consumerFilter.json": {
    text: (version) =>
      `{"filterDataByTopic":{"T":{"groupFilterData":{"G":{"bornTime":1,"clientVersion":${version},` +
      `"consumerGroup":"G","deadTime":2,"expression":"a > 1","expressionType":"SQL92",` +
      `"topic":"T"}},"topic":"T"}}}`,
    load: (tables) => tables.openFilters().get("T", "G")!.clientVersion,
  },
  "messageRequestMode.json": {
    text: (version) =>
      `{"messageRequestModeMap":{"T":{"G":{"consumerGroup":"G","mode":"POP",` +
      `"popShareQueueNum":${version},"topic":"T"}}}}`,
    load: ({ folder, log }) =>
      new RequestModeTable({ folder, log, fileSystem: denoFileSystem }).find("T", "G")!
        .popShareQueueNum,
  },
  "delayOffset.json": {
    text: (version) => `{${VERSION},"offsetTable":{1:${version}}}`,
    load: ({ folder, log }) =>
      new Schedule({
        store: delayed,
        held: new HeldReplies(),
        folder,
        fileSystem: denoFileSystem,
        levelCount: 0,
        now: Date.now,
        log,
      }).offsets.get(1)!,
  },
};

const DAMAGES: Readonly<Record<string, (text: string, other: string) => string>> = {
  "a flipped bit in a bracket": (text) => text.replace("{", "\u001b"),
  "a flipped bit in the name of the table": (text) =>
    text.replace(/(offset|topicConfig|Group)Table|DataByTopic|ModeMap/, (name) => `${name}q`),
  "zeros": (text) => "\0".repeat(text.length),
  "zeros at the end": (text) => text.slice(0, -10) + "\0".repeat(10),
  "half of it": (text) => text.slice(0, text.length / 2),
  "nothing": () => "",
  "garbage behind it": (text) => `${text}\u00a5\u00a5`,
  "the file of another table": (_text, other) => other,
};

Deno.test("tables load their last good copy when their file is damaged or another one, and say so", async () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    for (const [otherName, other] of Object.entries(KINDS)) {
      if (otherName === name) continue;
      for (const [damage, make] of Object.entries(DAMAGES)) {
        await using tables = setupTables();
        tables.write(name, make(kind.text(2), other.text(2)));
        tables.write(`${name}.bak`, kind.text(1));
        assertEquals(kind.load(tables), 1, `${name}: ${damage}`);
        assertStringIncludes(tables.lines.join("\n"), "took the last good copy of a damaged file");
        assertStringIncludes(tables.lines.join("\n"), name);
      }
    }
  }
});

Deno.test("tables refuse to start empty when copy and file are damaged, and name the file", async () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    for (const make of Object.values(DAMAGES)) {
      await using tables = setupTables();
      const [other] = Object.values(KINDS).filter((other) => other !== kind);
      tables.write(name, make(kind.text(2), other!.text(2)));
      tables.write(`${name}.bak`, make(kind.text(1), other!.text(1)));
      const error = assertThrows(() => kind.load(tables), CorruptStoreError, name);
      assert(error.message.includes("Restore the file from a backup"));
    }
  }
});
