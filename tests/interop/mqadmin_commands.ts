/** Apache's admin tool, unchanged, against Comet: each command must print what it prints for Apache's own broker. */

import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { HEART_BEAT } from "../../client/protocol/commands/client.ts";
import { UPDATE_CONSUMER_OFFSET } from "../../client/protocol/commands/offset.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { mqadmin } from "./apache_server.ts";

/** A command and what must stand in what it prints; NS and BROKER become addresses. */
interface Row {
  command: string;
  prints: RegExp[];
}

const ROWS: readonly Row[] = [
  { command: "clusterList -n NS", prints: [/broker-a +0 +BROKER +V5_3_3 .* true/] },
  {
    command: "brokerStatus -n NS -b BROKER",
    prints: [/brokerVersionDesc +: V5_3_3/, /msgPutTotalTodayNow +: 5\b/, /putTps +: [\d.]+ /],
  },
  { command: "topicStatus -n NS -t Topic", prints: [/broker-a +0 +0 +5 +20\d\d-/] },
  { command: "producer -n NS -b BROKER", prints: [/producer group \(Producers\) instance/] },
  {
    command: "producerConnection -n NS -g Producers -t Topic",
    prints: [/admin-test +127\.0\.0\.1:\d+/],
  },
  {
    command: "consumerConnection -n NS -g Group",
    prints: [/admin-test/, /Topic +TagA/, /ConsumeType: CONSUME_PASSIVELY/],
  },
  {
    command: "consumerProgress -n NS -g Group",
    prints: [/Topic +broker-a +0 +5 +2 +3 /, /Diff Total: 3/],
  },
  {
    command: "brokerConsumeStats -n NS -b BROKER",
    prints: [/Topic +Group +broker-a +0 +5 +2 +3 /],
  },
  { command: "statsAll -n NS -t Topic", prints: [/Topic +Group +3 .* 5 /] },
  {
    command: "queryCq -n NS -t Topic -q 0 -i 1 -c 2 -b BROKER -g Group",
    prints: [/ConsumeQueueData\{physicOffset=\d+/],
  },
  {
    command: "updateSubGroup -n NS -b BROKER -g Copy",
    prints: [/create subscription group to BROKER success/],
  },
  {
    command: "cloneGroupOffset -n NS -s Group -d Copy -t Topic",
    prints: [/clone group offset success/],
  },
  {
    command: "resetOffsetByTime -n NS -g Group -t Topic -s 0",
    prints: [/broker-a +0 +0 /],
  },
  { command: "skipAccumulatedMessage -n NS -g Group -t Topic", prints: [/broker-a +0 +5 /] },
  {
    command: "updateBrokerConfig -n NS -b BROKER -k longPollingEnable -v false",
    prints: [/update broker config success, BROKER/],
  },
  {
    command: "updateBrokerConfig -n NS -b BROKER -k listenPort -v 1",
    prints: [/listenPort cannot change while the broker runs/],
  },
  { command: "getBrokerConfig -n NS -b BROKER", prints: [/longPollingEnable += +false/] },
  {
    command: "deleteSubGroup -n NS -b BROKER -g Copy -r true",
    prints: [/delete subscription group \[Copy\] from broker \[BROKER\] success/],
  },
  {
    command: "deleteTopic -n NS -c DefaultCluster -t Topic",
    prints: [/delete topic \[Topic\] from NameServer success/],
  },
  {
    command: "updateTopic -n NS -b BROKER -t Topic -r 1 -w 1",
    prints: [/create topic to BROKER success/],
  },
  { command: "topicStatus -n NS -t Topic", prints: [/broker-a +0 +0 +0 /] },
  { command: "cleanExpiredCQ -n NS -b BROKER", prints: [/success/] },
  { command: "cleanUnusedTopic -n NS -b BROKER", prints: [/success/] },
  { command: "deleteExpiredCommitLog -n NS -b BROKER", prints: [/success/] },
];

/** How a command went. */
export interface CommandOutcome {
  name: string;
  seconds: number;
  failures: string[];
}

/** The names of all outcomes. */
export function commandNames(): string[] {
  return ROWS.map(nameOf);
}

function nameOf({ command }: Row): string {
  return `mqadmin: ${command}`;
}

/** Runs the commands one after the other, since they build on each other. */
export async function* runCommands(home: string): AsyncGenerator<CommandOutcome> {
  await Deno.mkdir(home, { recursive: true });
  await using comet = await startComet(`${home}/data`, ["--host", "127.0.0.1"]);
  await using client = new TestClient(comet.brokerPort);
  await prepare(client);
  const namesrv = `127.0.0.1:${comet.namesrvPort}`;
  const broker = `127.0.0.1:${comet.brokerPort}`;
  for (const row of ROWS) {
    const started = performance.now();
    const args = row.command.replaceAll("NS", namesrv).replaceAll("BROKER", broker).split(" ");
    const printed = (await printedBy(home, args)).replaceAll(broker, "BROKER");
    const failures = row.prints.filter((expected) => !expected.test(printed))
      .map((expected) => `expected ${expected} in: ${printed.slice(0, 2_000)}`);
    yield { name: nameOf(row), seconds: (performance.now() - started) / 1_000, failures };
  }
}

/** What the tool prints also when the command fails. */
function printedBy(home: string, args: string[]): Promise<string> {
  return mqadmin(home, args).catch((error: Error) => error.message);
}

/** A topic with five messages of which a group has consumed two, and whose member stays. */
async function prepare(client: TestClient): Promise<void> {
  for (let n = 0; n < 5; n++) await client.send("Topic", encodeUtf8(`message ${n}`));
  const subscription = { topic: "Topic", subString: "TagA", subVersion: 1 };
  const heartbeat = {
    clientID: "admin-test",
    producerDataSet: [{ groupName: "Producers" }],
    consumerDataSet: [{
      groupName: "Group",
      consumeType: "CONSUME_PASSIVELY",
      messageModel: "CLUSTERING",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      subscriptionDataSet: [subscription],
    }],
  };
  await client.invoke(HEART_BEAT, {}, encodeUtf8(JSON.stringify(heartbeat)));
  const offset = { consumerGroup: "Group", topic: "Topic", queueId: 0, commitOffset: 2 };
  await client.invoke(UPDATE_CONSUMER_OFFSET, offset);
}
