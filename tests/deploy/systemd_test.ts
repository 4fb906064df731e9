import { assert, assertEquals } from "@std/assert";
import { deployed } from "../helpers/deployed.ts";

const text = Deno.readTextFileSync("deploy/comet.service");

function valueOf(key: string): string {
  const [, value] = new RegExp(`^${key}=(.*)$`, "m").exec(text) ?? [];
  assert(value !== undefined, `${key} is not in the unit`);
  return value;
}

Deno.test("comet.service starts Comet over the folder that systemd makes for it", () => {
  const [program, ...args] = valueOf("ExecStart").split(" ");
  assertEquals(program, "/usr/local/bin/comet");
  const { role, config } = deployed(args, {});
  assertEquals([role, config.storePathRootDir], ["serve", `/var/lib/${valueOf("StateDirectory")}`]);
  for (const [, name] of text.matchAll(/\b(COMET_\w+)=/g)) {
    deployed(args, { [name!]: "mq.example.com" });
  }
});

const { success: hasSystemd } = await new Deno.Command("sh", {
  args: ["-c", "command -v systemd-analyze"],
}).output();

Deno.test({
  name: "comet.service holds before systemd itself, which rates its exposure as OK",
  ignore: !hasSystemd,
  async fn() {
    const folder = await Deno.makeTempDir();
    const unit = `${folder}/comet.service`;
    await Deno.writeTextFile(unit, text.replace("/usr/local/bin/comet", Deno.execPath()));
    const run = async (...args: string[]) => {
      const { stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    };
    const verified = (await run("verify", unit)).split("\n").filter((line) => /comet/.test(line));
    assertEquals(verified, []);
    const rated = /exposure level for comet\.service: ([\d.]+)/.exec(
      await run("security", "--offline=true", unit),
    );
    assert(rated !== null && Number(rated[1]) < 3, `exposure ${rated?.[1]}`);
    await Deno.remove(folder, { recursive: true });
  },
});
