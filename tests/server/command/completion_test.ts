import { assertEquals, assertStringIncludes } from "@std/assert";
import { FLAGS, ROLES, TOOLS } from "../../../server/command_line.ts";
import { commandTree } from "../../../server/command/completion_command.ts";
import { bashScript } from "../../../server/command/completion/bash.ts";
import { allNodes } from "../../../server/command/completion/command_node.ts";
import { fishScript } from "../../../server/command/completion/fish.ts";
import { zshScript } from "../../../server/command/completion/zsh.ts";

Deno.test("commandTree() has every role and every tool", () => {
  const words = Object.keys(commandTree().words).toSorted();
  assertEquals(words, [...Object.keys(ROLES), ...Object.keys(TOOLS), "help"].toSorted());
  assertEquals(Object.keys(commandTree().flags), Object.keys(FLAGS));
});

/** What bash offers for the last of these words. */
async function bashOffers(...words: string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const script = `${bashScript(commandTree())}
COMP_WORDS=(${quoted}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _comet
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await new Deno.Command("bash", { args: ["-c", script] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

Deno.test("bash completes roles, tools, their flags, and settings", async () => {
  assertEquals(await bashOffers("comet", "na"), ["namesrv"]);
  assertEquals(await bashOffers("comet", "store", "ver"), ["verify"]);
  assertEquals(await bashOffers("comet", "store", "verify", "--j"), ["--json"]);
  assertEquals(await bashOffers("comet", "broker", "--broker"), ["--broker-port"]);
  assertEquals(await bashOffers("comet", "--set", "brokerNam"), ["brokerName="]);
  assertEquals(await bashOffers("comet", "--host", "x"), []);
});

Deno.test("the scripts of zsh and fish name every word and flag", () => {
  const scripts = [zshScript(commandTree()), fishScript(commandTree())];
  for (const { path, node } of allNodes(commandTree())) {
    const names = [...path.split(" "), ...Object.keys(node.flags)];
    for (const name of names) for (const script of scripts) assertStringIncludes(script, name);
  }
});

for (const [shell, makeScript] of [["zsh", zshScript], ["fish", fishScript]] as const) {
  const isHere = await new Deno.Command("sh", { args: ["-c", `command -v ${shell}`] }).output();
  Deno.test({
    name: `${shell} can read its script`,
    ignore: !isHere.success,
    async fn() {
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, makeScript(commandTree()));
      const { code, stderr } = await new Deno.Command(shell, { args: ["-n", file] }).output();
      await Deno.remove(file);
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    },
  });
}
