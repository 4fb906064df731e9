/** Scenarios of the TypeScript client: `list`, or `run NAMESRV RUN_ID SCENARIO...`. Exits with 1 when one failed. */

import { ScenarioContext } from "./scenario_context.ts";
import { SCENARIOS } from "./scenarios.ts";

function report(line: Record<string, unknown>): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(line)}\n`));
}

async function run(namesrv: string, runId: string, scenario: string): Promise<boolean> {
  const row = SCENARIOS.find(({ name }) => name === scenario);
  if (row === undefined) throw new Error(`no scenario is called ${scenario}`);
  report({ scenario, started: true });
  const started = performance.now();
  let reason: string | undefined;
  try {
    await using context = new ScenarioContext(namesrv, runId, scenario, report);
    await row.body(context);
  } catch (error) {
    reason = String(error);
  }
  const seconds = (performance.now() - started) / 1000;
  report({ scenario, ok: reason === undefined, seconds, reason });
  return reason === undefined;
}

const [verb, namesrv, runId, ...names] = Deno.args;
if (verb === "list") {
  for (const { name, restartsServer = false } of SCENARIOS) {
    report({ scenario: name, serializeType: "JSON", restartsServer });
  }
} else {
  for (const name of names) if (!await run(namesrv!, runId!, name)) Deno.exitCode = 1;
  Deno.exit();
}
