/**
 * A disk that is really full: the program runs on a small file system in memory, in a mount namespace of its own. Where
 * the system allows no such thing, the test is left out.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";
import { eventually } from "../helpers/eventually.ts";

const DISK_BYTES = 24 * 1024 * 1024;
const BALLAST_BYTES = 12 * 1024 * 1024;
const BODY_BYTES = 50_000;
/** Set in the process that has the small disk: its folder. */
const DISK = Deno.env.get("FULL_DISK_TEST_FOLDER");

async function canMount(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  const { success } = await inNamespace("/tmp", "true", []).catch(() => ({ success: false }));
  return success;
}

/** Runs a program where `folder` is a small disk of its own. */
function inNamespace(folder: string, program: string, args: string[]) {
  const script = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"';
  const sh = ["sh", "-c", script, "sh", String(DISK_BYTES), folder, program, ...args];
  return new Deno.Command("unshare", {
    args: ["--user", "--map-root-user", "--mount", ...sh],
    env: { FULL_DISK_TEST_FOLDER: folder },
    stdout: "piped",
    stderr: "piped",
  }).output();
}

Deno.test({
  name:
    "a full disk refuses messages with the reason, serves what it has, and goes on when there is space",
  ignore: DISK !== undefined || !await canMount(),
  async fn() {
    const folder = Deno.makeTempDirSync();
    const { success, stdout, stderr } = await inNamespace(folder, Deno.execPath(), [
      "test",
      "-A",
      "--no-check",
      import.meta.url,
    ]);
    assert(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  },
});

const FULL_AT: [title: string, diskMinFreeBytes: number, reason: RegExp][] = [
  ["to the last byte", 1, /No space left/],
  ["to diskMinFreeBytes", 4 * 1024 * 1024, /diskMinFreeBytes/],
];

for (const [title, diskMinFreeBytes, reason] of DISK === undefined ? [] : FULL_AT) {
  Deno.test(
    `a disk that is full ${title}`,
    () => fillAndFree(`${DISK}/${diskMinFreeBytes}`, diskMinFreeBytes, reason),
  );
}

async function fillAndFree(
  folder: string,
  diskMinFreeBytes: number,
  reason: RegExp,
): Promise<void> {
  Deno.mkdirSync(folder);
  const ballast = `${folder}/ballast`;
  Deno.writeFileSync(ballast, new Uint8Array(BALLAST_BYTES));
  const data = `${folder}/data`;
  const settings = [
    `diskMinFreeBytes=${diskMinFreeBytes}`,
    "cleanResourceInterval=20",
    "mappedFileSizeCommitLog=2000000",
  ].flatMap((setting) => ["--set", setting]);
  const sent: string[] = [];
  {
    await using comet = await startComet(data, settings);
    await using client = new TestClient(comet.brokerPort);
    const send = async () => {
      const text = `message ${sent.length} `;
      const response = await client.send("Full", encodeUtf8(text.padEnd(BODY_BYTES, ".")));
      if (response.code === ResponseCode.SUCCESS) sent.push(text);
      return response;
    };
    let refused = await send();
    while (refused.code === ResponseCode.SUCCESS) refused = await send();
    assertMatch(refused.remark ?? "", reason);
    // It stays like that, and what was taken can be read.
    assert((await send()).code !== ResponseCode.SUCCESS);
    assertEquals(await consume(client), sent);
    Deno.removeSync(ballast);
    await eventually(
      "messages are taken again",
      async () => (await send()).code === ResponseCode.SUCCESS,
    );
    for (let n = 0; n < 20; n++) assertEquals((await send()).code, ResponseCode.SUCCESS);
    assertEquals(await consume(client), sent);
    assertEquals(await comet.stop(), 0);
  }
  await verify(data);
  {
    await using comet = await startComet(data, settings);
    await using client = new TestClient(comet.brokerPort);
    assertEquals(await consume(client), sent);
    await comet.kill();
  }
  Deno.removeSync(folder, { recursive: true });
}

async function verify(data: string): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "main.ts", "store", "verify", data],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
}

/** All messages of the queue, by the beginning of their body. */
async function consume(client: TestClient): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const response = await client.pull("Full", { queueOffset: found.length });
    if (response.code !== ResponseCode.SUCCESS) return found;
    for (const { body } of decodeMessages(response.body)) {
      found.push(/message \d+ /.exec(new TextDecoder().decode(body))![0]);
    }
  }
}
