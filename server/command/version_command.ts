/** `comet version`: of Comet, of what it is made of, and of the RocketMQ that it is measured by. */

import {
  HELP_FLAG,
  JSON_FLAG,
  print,
  printJson,
  readToolFlags,
  refuseWords,
} from "./tool_flags.ts";
import type { ToolDescription } from "./tool_flags.ts";
import type { ToolContext } from "./tools.ts";

/** The release of Apache RocketMQ whose wire, files and settings are followed. */
const ROCKETMQ_VERSION = "5.3.3";

export const VERSION_TOOL: ToolDescription = {
  name: "version",
  words: "",
  summary: "Shows the version of Comet and of what is inside.",
  flags: { ...JSON_FLAG, ...HELP_FLAG },
  notes: "comet --version prints the first line only.",
};

/** Prints the versions. */
export function runVersion({ args, version }: ToolContext): Promise<number> {
  const read = readToolFlags(VERSION_TOOL, args);
  if (read === undefined) return Promise.resolve(0);
  refuseWords(read.words, VERSION_TOOL);
  const versions = {
    comet: version,
    rocketmq: ROCKETMQ_VERSION,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    target: Deno.build.target,
    compiled: Deno.build.standalone,
  };
  if (read.values["json"] === true) printJson(versions);
  else {
    const form = versions.compiled ? "one binary" : "from source";
    print(`comet ${version}\n`);
    print(`RocketMQ ${ROCKETMQ_VERSION}, Deno ${versions.deno}, V8 ${versions.v8}\n`);
    print(`${versions.target}, ${form}\n`);
  }
  return Promise.resolve(0);
}
