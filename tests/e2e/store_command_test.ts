import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

interface Ended {
  code: number;
  out: string;
  error: string;
}

/** Runs `comet store …` as people do; `permissions` can take rights away from it. */
async function store(args: string[], permissions = ["-A"]): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, "main.ts", "store", ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

const FLAGS = ["--set", "mappedFileSizeCommitLog=65536"];

function send(client: TestClient, n: number) {
  const properties = `UNIQ_KEY\u0001id${n}\u0002KEYS\u0001key${n}\u0002`;
  const fields = { defaultTopicQueueNums: 2, queueId: n % 2, properties };
  return client.send("Tools", encodeUtf8(`body ${n}`), fields);
}

/** Sends messages, several at a time. */
async function sendMany(
  port: number,
  from: number,
  to: number,
  onSent: (n: number) => void = () => {},
): Promise<void> {
  await using client = new TestClient(port);
  for (let n = from; n < to; n += 20) {
    onSent(n);
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, index) => send(client, n + index)),
    );
    for (const { code } of responses) assertEquals(code, ResponseCode.SUCCESS);
  }
}

/** A folder in which a broker has run and stopped in order. */
async function folderWith(messages: number): Promise<string> {
  const folder = Deno.makeTempDirSync();
  await using comet = await startComet(folder, FLAGS);
  await sendMany(comet.brokerPort, 0, messages);
  assertEquals(await comet.stop(), 0);
  return folder;
}

Deno.test("comet store verify is green over a running broker, after SIGKILL under load and after a stop", async () => {
  const folder = Deno.makeTempDirSync();
  {
    await using comet = await startComet(folder, FLAGS);
    await sendMany(comet.brokerPort, 0, 400);
    const running = await store(["verify", folder]);
    assertEquals(running.code, 0, running.out);
    assertStringIncludes(running.out, "a running process has the folder");
    const repair = await store(["repair", folder]);
    assertEquals([repair.code, repair.out], [2, ""]);
    assertStringIncludes(repair.error, "stop it before a repair");
    const enough = Promise.withResolvers<void>();
    const sending = sendMany(comet.brokerPort, 400, 100_000, (n) => n > 1000 && enough.resolve())
      .catch(() => {}); // The kill ends it.
    await enough.promise;
    await comet.kill();
    await sending;
  }
  const killed = await store(["verify", folder, "--json"]);
  const report = JSON.parse(killed.out);
  assertEquals([killed.code, report.sound, report.nextStart.clean], [0, true, false], killed.out);
  assert(report.summary.records > 1000);
  {
    await using comet = await startComet(folder, FLAGS);
    assertEquals(await comet.stop(), 0);
  }
  const { code, out } = await store(["verify", folder]);
  assertEquals(code, 0, out);
  assertMatch(out, /^\d+ messages, .*\nThe folder is sound\.\n$/);
});

Deno.test("comet store repair says what it would do, does it with --yes, and the broker goes on", async () => {
  const folder = await folderWith(200);
  const log = `${folder}/commitlog/00000000000000000000`;
  const bytes = Deno.readFileSync(log);
  bytes.fill(7, 8000, 9000);
  Deno.writeFileSync(log, bytes);
  const verified = await store(["verify", folder]);
  assertEquals(verified.code, 1);
  assertStringIncludes(verified.out, "DAMAGE  commitlog/00000000000000000000 at byte");
  const planned = await store(["repair", folder]);
  assertEquals(planned.code, 1);
  assertStringIncludes(planned.out, "1. overwrite 1 damaged place of the log");
  assertStringIncludes(planned.out, "Nothing has been changed.");
  assertEquals(Deno.readFileSync(log), bytes);
  const repaired = await store(["repair", folder, "--yes", "--json"]);
  const { done, sound, kept, before, after } = JSON.parse(repaired.out);
  assertEquals([repaired.code, done, sound], [0, true, true], repaired.out);
  assert(Deno.statSync(`${kept}/manifest.jsonl`).isFile);
  const lost = before.summary.lostMessages;
  assert(lost > 0);
  assertEquals(after.summary.lostMessages, 0);
  const again = await store(["repair", folder]);
  assertEquals([again.code, again.out], [0, "There is nothing to repair.\n"]);
  await using comet = await startComet(folder, FLAGS);
  await using client = new TestClient(comet.brokerPort);
  const found: string[] = [];
  for (const queueId of [0, 1]) {
    for (let queueOffset = 0; queueOffset < 100;) {
      const { code, body, extFields } = await client.pull("Tools", { queueId, queueOffset });
      const next = Number(extFields.get("nextBeginOffset"));
      assert(next > queueOffset, `${code} at ${queueOffset}`);
      if (code === ResponseCode.SUCCESS) {
        for (const message of decodeMessages(body)) {
          found.push(new TextDecoder().decode(message.body));
        }
      }
      queueOffset = next;
    }
  }
  assertEquals(found.length, 200 - lost);
  for (const body of found) assertMatch(body, /^body \d+$/);
  assertEquals((await send(client, 200)).code, ResponseCode.SUCCESS);
});

Deno.test("comet store verify and dump need no right to write", async () => {
  const folder = await folderWith(40);
  const reading = ["--allow-read", "--allow-env", "--no-prompt"];
  const verified = await store(["verify", `${folder}/`], reading);
  assertEquals([verified.code, verified.error], [0, ""]);
  const dumped = await store(["dump", folder, "--topic", "Tools", "--json"], reading);
  assertEquals([dumped.code, dumped.error], [0, ""]);
  const bodies = dumped.out.trim().split("\n").map((line) => JSON.parse(line).body);
  assertEquals(bodies.toSorted(), Array.from({ length: 40 }, (_, n) => `body ${n}`).toSorted());
  const byKey = await store(["dump", folder, "--key", "key7", "--body", "none"], reading);
  assertEquals(byKey.out.match(/UNIQ_KEY=\w+/g), ["UNIQ_KEY=id7"]);
});

Deno.test("comet store dump ends quietly when its reader has seen enough", async () => {
  const folder = await folderWith(2000);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "store", "dump", folder],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  assertStringIncludes(
    new TextDecoder().decode((await reader.read()).value),
    "Tools/0 queueOffset",
  );
  await reader.cancel();
  assertEquals(await new Response(child.stderr).text(), "");
  assertEquals((await child.status).code, 0);
});

Deno.test("comet store says what is wrong with its command line", async () => {
  const folder = Deno.makeTempDirSync();
  const mistakes: [string[], string][] = [
    [["verfy", folder], 'unknown tool "verfy"; did you mean "verify"?'],
    [["verify"], "which data folder? comet store verify DIR"],
    [["dump", folder, "--jsn"], "unknown flag --jsn; did you mean --json?"],
    [["dump", folder, "more"], 'unexpected argument "more"; put one folder'],
    [["verify", folder], "is no data folder: it has neither commitlog nor consumequeue"],
  ];
  const ended = await Promise.all(mistakes.map(([args]) => store(args)));
  for (const [index, { code, out, error }] of ended.entries()) {
    assertEquals([code, out], [2, ""]);
    assertStringIncludes(error, mistakes[index]![1]);
    assertEquals(error.trim().split("\n").length, 1);
  }
  const help = await store([]);
  assertEquals([help.code, help.error], [0, ""]);
  assertStringIncludes(help.out, "comet store repair DIR");
});
