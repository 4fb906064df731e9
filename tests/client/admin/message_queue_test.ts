import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../client/protocol/bytes.ts";
import { parseQueueTables, queueEntries } from "../../../client/admin/message_queue.ts";
import { parseJson } from "../../../client/admin/admin_client.ts";

const key = (brokerName: string, queueId: number, topic: string) =>
  JSON.stringify({ brokerName, queueId, topic });

Deno.test("parseQueueTables() finds the queues that parseJson() finds", () => {
  const rows = [
    [key("broker-a", 0, "T"), 1],
    [key("broker with spaces", 12, "%RETRY%g"), 2],
    [key('quoted "broker"', 3, "T"), 3],
  ];
  for (const count of [0, 1, 2, 3]) {
    const table = rows.slice(0, count).map(([text, value]) => `${text}:{"brokerOffset":${value}}`);
    const body = encodeUtf8(`{"offsetTable":{${table.join(",")}}}`);
    const tableOf = (json: unknown) => queueEntries((json as { offsetTable: unknown }).offsetTable);
    assertEquals(tableOf(parseQueueTables(body)), tableOf(parseJson(body)));
    assertEquals(tableOf(parseQueueTables(body)).length, count);
  }
});
