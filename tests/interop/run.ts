/** Runs Apache's Java client, unchanged, against Comet: `deno task interop [SCENARIO …]`. Needs Maven and a JDK. */

import { startComet } from "../helpers/comet.ts";

const JAVA = new URL("java/", import.meta.url).pathname;

async function run(command: string, args: string[]): Promise<{ code: number; output: string }> {
  const result = await new Deno.Command(command, { args, cwd: JAVA, stderr: "inherit" }).output();
  return { code: result.code, output: new TextDecoder().decode(result.stdout) };
}

interface Line {
  scenario: string;
  ok?: boolean;
  seconds?: number;
  note?: string;
  reason?: string;
  restartsServer?: boolean;
  serializeType?: string;
}

function lines(output: string): Line[] {
  return output.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

const built = await run("mvn", [
  "-q",
  "-B",
  "compile",
  "dependency:build-classpath",
  "-Dmdep.outputFile=target/classpath.txt",
]);
if (built.code !== 0) throw new Error(`Maven failed: ${built.output}`);
const classpath = `target/classes:${Deno.readTextFileSync(`${JAVA}target/classpath.txt`).trim()}`;
const java = (serializeType: string, ...args: string[]) =>
  run("java", [
    `-Drocketmq.serialize.type=${serializeType}`,
    "-Duser.home=target/home",
    "-Drocketmq.client.logUseSlf4j=true",
    "-cp",
    classpath,
    "interop.Main",
    ...args,
  ]);
const wanted = lines((await java("JSON", "list")).output)
  .filter((line) => !line.restartsServer)
  .filter((line) => Deno.args.length === 0 || Deno.args.includes(line.scenario));
// A fixed port, because clients look for the second one two below it.
await using comet = await startComet(Deno.makeTempDirSync(), ["--broker-port", "23911"]);
const results: Line[] = [];
for (const serializeType of ["JSON", "ROCKETMQ"]) {
  const names = wanted.filter((line) => line.serializeType === serializeType)
    .map((line) => line.scenario);
  if (names.length === 0) continue;
  const namesrvAddr = `127.0.0.1:${comet.namesrvPort}`;
  const { output } = await java(serializeType, "run", namesrvAddr, serializeType, ...names);
  results.push(...lines(output).filter((line) => line.ok !== undefined));
}
const text = results.map((line) =>
  `${line.ok ? "ok  " : "FAIL"} java: ${line.scenario} (${line.seconds?.toFixed(1)} s) ${
    line.note ?? line.reason ?? ""
  }`
);
const failed = wanted.length - results.filter((line) => line.ok).length;
const summary = `${wanted.length - failed} passed, ${failed} failed`;
Deno.stdout.writeSync(new TextEncoder().encode([...text, summary, ""].join("\n")));
Deno.exitCode = failed === 0 && wanted.length > 0 ? 0 : 1;
