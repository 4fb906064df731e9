import { assert, assertEquals } from "@std/assert";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { type Comet, startComet, TestClient } from "../helpers/comet.ts";

const TOPIC = "Backup";

/** Sends messages with these numbers, each acknowledged. */
async function send(comet: Comet, from: number, to: number): Promise<void> {
  await using client = new TestClient(comet.brokerPort);
  for (let number = from; number < to; number++) {
    const { code, remark } = await client.send(TOPIC, encodeUtf8(`message ${number}`));
    assertEquals(code, ResponseCode.SUCCESS, remark ?? "");
  }
}

/** The bodies of all messages, in order. */
async function bodies(comet: Comet): Promise<string[]> {
  await using client = new TestClient(comet.brokerPort);
  const found: string[] = [];
  for (;;) {
    const { code, body } = await client.pull(TOPIC, { queueOffset: found.length });
    if (code !== ResponseCode.SUCCESS) return found;
    for (const message of decodeMessages(body)) {
      found.push(decodeUtf8(message.body, 0, message.body.length));
    }
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `message ${number}`);
}

/** As docs/operations.md says. */
async function copyFolder(from: string): Promise<string> {
  const to = `${Deno.makeTempDirSync()}/restored`;
  const copy = new Deno.Command("cp", { args: ["-a", "--sparse=always", from, to] });
  assert((await copy.output()).success);
  return to;
}

Deno.test("a copy of a stopped folder is a backup: what was sent later is not in it, all else is", async () => {
  const folder = Deno.makeTempDirSync();
  const first = await startComet(folder);
  await send(first, 0, 40);
  assertEquals(await first.stop(), 0);
  const backup = await copyFolder(folder);
  await using second = await startComet(folder);
  await send(second, 40, 50);
  await using restored = await startComet(backup);
  assertEquals(await bodies(restored), numbered(40));
  await send(restored, 40, 41);
  assertEquals(await bodies(restored), numbered(41));
  assertEquals(await bodies(second), numbered(50));
});

Deno.test({
  name:
    "a snapshot of a running folder, taken at one moment, has every message that was acknowledged",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = Deno.makeTempDirSync();
    await using running = await startComet(folder);
    await send(running, 0, 40);
    // What a snapshot of the disk gives: all files as they are at one moment, with the server at work.
    Deno.kill(running.pid, "SIGSTOP");
    const snapshot = await copyFolder(folder).finally(() => Deno.kill(running.pid, "SIGCONT"));
    await send(running, 40, 50);
    await using restored = await startComet(snapshot);
    assertEquals(await bodies(restored), numbered(40));
    assertEquals(await bodies(running), numbered(50));
  },
});

/** The source of the commit before this one, unpacked; undefined where git does not have it. */
async function previousCommit(): Promise<string | undefined> {
  const folder = await Deno.makeTempDir();
  const script = `git archive --format=tar HEAD~1 | tar -x -C "${folder}"`;
  const { success } = await new Deno.Command("bash", { args: ["-o", "pipefail", "-c", script] })
    .output();
  return success ? folder : undefined;
}

const previous = await previousCommit();

for (const ending of ["stop", "kill"] as const) {
  Deno.test({
    name: `a folder that the previous commit wrote is taken over after ${ending}` +
      (previous === undefined ? " (left out: git has no commit before this one)" : ""),
    ignore: previous === undefined,
    async fn() {
      const folder = Deno.makeTempDirSync();
      const old = await startComet(folder, [], "serve", `${previous}/main.ts`);
      await send(old, 0, 40);
      await old[ending]();
      await using present = await startComet(folder);
      assertEquals(await bodies(present), numbered(40));
      await send(present, 40, 50);
      assertEquals(await bodies(present), numbered(50));
    },
  });
}
