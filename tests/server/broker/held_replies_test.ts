import { assertEquals } from "@std/assert";
import { HeldReplies } from "../../../server/broker/held_replies.ts";

Deno.test("HeldReplies refuses what could not be written, and lets wait what is written but not yet safe", () => {
  const held = new HeldReplies();
  const answers: string[] = [];
  for (const endOffset of [100, 200, 300, 400]) {
    held.hold({ endOffset, finish: (failure) => answers.push(`${endOffset} ${failure?.message}`) });
  }
  held.promised(100);
  held.failed(200, new Error("disk full"));
  assertEquals(answers, ["100 undefined", "300 disk full", "400 disk full"]);
  held.promised(200);
  assertEquals(answers.slice(3), ["200 undefined"]);
});
