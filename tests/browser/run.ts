/** Runs the tests in a browser, which `deno task test` does not find by their names: `run.ts [ARGS of deno test]`. */

const tests = [...Deno.readDirSync(new URL(".", import.meta.url))]
  .filter(({ name }) => name.endsWith("_journey.ts"))
  .map(({ name }) => `tests/browser/${name}`);
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--config", "deno.json", ...tests, ...Deno.args],
}).spawn().status;
Deno.exit(code);
