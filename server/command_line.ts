/** The command line: what the user asked for. Pure; `main.ts` reads the file and does the rest. */

import { applySettings, defaultConfig } from "./config.ts";
import type { Config, SettingKey } from "./config.ts";
import { fastPort } from "./config_derived.ts";
import { readEnvironment } from "./config_environment.ts";
import type { Environment } from "./config_environment.ts";
import {
  type Flag,
  flagLines,
  type ReadFlags,
  readFlags,
  settingFlags,
  UsageError,
  wordHint,
} from "./flags.ts";
import { ConfigError, parseProperties } from "./properties.ts";
import type { SettingEntry } from "./properties.ts";

/** What to run in this process. */
export const ROLES = {
  serve: "name server, broker, HTTP API and dashboard (the default)",
  namesrv: "a name server",
  broker: "a broker that registers at the name servers of --namesrv",
  dashboard: "HTTP API and dashboard of a cluster, also of Apache's",
} as const;

export type Role = keyof typeof ROLES;

/** What runs once and ends; each tool reads its own arguments. */
export const TOOLS = {
  admin: "looks at and changes a cluster, with the commands of mqadmin",
  store: "checks, shows and mends a data folder that nothing runs over",
  doctor: "says whether Comet can run here, or why it cannot be reached",
  health: "says whether the server on this machine is up, for containers",
  config: "shows the settings and where they come from, or a sample",
  bench: "sends messages to any RocketMQ and tells rates and latencies",
  completion: "prints the completions for a shell: bash, zsh or fish",
  version: "shows the version, and that of what is inside",
} as const;

export type ToolName = keyof typeof TOOLS;

/** What to tell whoever starts a role without the name server that it needs. */
const NEEDS_NAMESRV: Readonly<Partial<Record<Role, string>>> = {
  broker:
    "the role broker registers at a name server; say which with --namesrv HOST:9876, or run the role serve",
  dashboard: "the role dashboard shows a cluster; say which with --namesrv HOST:9876",
};
export { UsageError };

export interface RoleFlag extends Flag {
  /** The setting that it sets. */
  readonly key?: SettingKey;
}

/** The flags of every role. */
export const FLAGS: Readonly<Record<string, RoleFlag>> = {
  data: { value: "DIR", key: "storePathRootDir", help: "the data folder (./comet-data)" },
  config: {
    letter: "c",
    value: "FILE",
    help: "a broker.conf or namesrv.conf of Apache RocketMQ, as it is",
  },
  namesrv: {
    letter: "n",
    value: "ADDR[;ADDR]",
    key: "namesrvAddr",
    help: "name servers to register at, as in 10.0.0.1:9876",
  },
  host: {
    value: "ADDR",
    key: "brokerIP1",
    help: "what clients connect to: a name or an address, also name:port",
  },
  "namesrv-port": { value: "PORT", key: "namesrvPort", help: "the name server's port (9876)" },
  "broker-port": { value: "PORT", key: "listenPort", help: "the broker's port (10911)" },
  "http-port": {
    value: "PORT",
    key: "httpPort",
    help: "the port of the HTTP API and the dashboard (8080)",
  },
  "http-write": {
    value: "WHO",
    key: "httpWriteAccess",
    help: "who may change things over HTTP: loopback or anyone",
  },
  set: { value: "KEY=VALUE", help: "any setting of docs/configuration.md; may be repeated" },
  help: { letter: "h", help: "show this text" },
  version: { letter: "v", help: "show the version" },
};

/** The settings that the command line and the environment give, before those of the file are known. */
export interface RunCommand {
  readonly kind: "run";
  readonly role: Role;
  readonly configFile: string | undefined;
  readonly environment: readonly SettingEntry[];
  readonly flags: readonly SettingEntry[];
  readonly warnings: readonly string[];
}

/** What the user asked for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "tool"; readonly tool: ToolName; readonly args: readonly string[] }
  | RunCommand;

/** Reads the command line; throws UsageError, with one line, when it makes no sense. */
export function parseCommandLine(args: readonly string[], environment: Environment): Command {
  const [first = "", ...rest] = args;
  if (isTool(first)) return { kind: "tool", tool: first, args: rest };
  // "comet help store" is "comet store --help".
  if (first === "help" && isTool(rest[0])) return { kind: "tool", tool: rest[0], args: ["--help"] };
  const { values, words } = readFlags(FLAGS, args, "comet --help");
  if (values["help"] === true || words[0] === "help") {
    if (words[0] === "help") readRole(words.slice(1));
    return { kind: "help" };
  }
  if (values["version"] === true) return { kind: "version" };
  return readRunCommand(values, words, environment);
}

/** The run that flags of `FLAGS` and the words between them ask for. @throws {UsageError} */
export function readRunCommand(
  values: ReadFlags["values"],
  words: readonly string[],
  environment: Environment,
): RunCommand {
  const role = readRole(words);
  const flags = flagEntries(values);
  refuseBadFlags(flags);
  const { entries, warnings } = readEnvironment(environment, NEEDS_NAMESRV[role] !== undefined);
  return {
    kind: "run",
    role,
    configFile: values["config"] as string | undefined,
    environment: entries,
    flags,
    warnings,
  };
}

function isTool(word: string | undefined): word is ToolName {
  return word !== undefined && Object.hasOwn(TOOLS, word);
}

/** What sets the configuration of a run, the file first and the flags last; what comes later counts. */
export function settingEntries(
  command: RunCommand,
  fileText: string,
  changed: readonly SettingEntry[] = [],
): SettingEntry[][] {
  const { role, configFile = "", environment, flags } = command;
  const inRole = role === "namesrv" ? asNamesrvEntry : (entry: SettingEntry) => entry;
  const file = parseProperties(fileText, configFile).map(inRole);
  const given = flags.map((entry) => entry.where === "--set" ? inRole(entry) : entry);
  return [file, [...changed], [...environment], given];
}

export interface ResolvedConfig {
  readonly config: Config;
  /** To be logged. */
  readonly warnings: readonly string[];
}

/**
 * The configuration of a run: defaults, then the file (`fileText` is what `configFile` holds), then what admins
 * `changed`, then the environment, then flags.
 * @throws {ConfigError} or UsageError.
 */
export function resolveConfig(
  command: RunCommand,
  fileText = "",
  changed: readonly SettingEntry[] = [],
): ResolvedConfig {
  const config = defaultConfig();
  const { role } = command;
  const warnings = [...command.warnings];
  for (const entries of settingEntries(command, fileText, changed)) {
    warnings.push(...applySettings(config, entries));
  }
  const need = NEEDS_NAMESRV[role];
  if (need !== undefined && config.namesrvAddr === "") throw new UsageError(need);
  refusePortClash(role, config);
  return { config, warnings };
}

/** What `--help` prints. */
export function helpText(): string {
  const wordLines = (words: Readonly<Record<string, string>>) =>
    Object.entries(words).map(([word, help]) => `  ${word.padEnd(27)}${help}`).join("\n");
  return `Comet: Apache RocketMQ in one program.

Usage: comet [ROLE] [FLAGS]
       comet TOOL [FLAGS]

Roles:
${wordLines(ROLES)}

Tools (comet help TOOL tells more):
${wordLines(TOOLS)}

Flags:
${flagLines(FLAGS).join("\n")}

Settings come from the config file, then from the environment (COMET_BROKER_NAME is
brokerName), then from flags; what comes later wins. Port 0 takes a free port.

Examples:
  comet                                        start, keep data in ./comet-data
  comet --host mq.example.com --data /srv/mq   for clients on other machines
  comet -c conf/broker.conf                    with the settings of an Apache broker
  comet broker -n 10.0.0.1:9876 --set brokerName=broker-b
`;
}

function readRole(words: readonly string[]): Role {
  const [word = "serve", surplus] = words;
  if (!Object.hasOwn(ROLES, word)) {
    const hint = wordHint(word, Object.keys(ROLES), "roles", Object.keys(TOOLS));
    throw new UsageError(`unknown role ${JSON.stringify(word)}; ${hint}`);
  }
  if (surplus !== undefined) {
    throw new UsageError(
      `unexpected argument ${JSON.stringify(surplus)}; put one role first, then flags`,
    );
  }
  return word as Role;
}

/** Settings by flag; those of `--set` come first, so that a flag with a name of its own wins. */
function flagEntries(values: Readonly<Record<string, unknown>>): SettingEntry[] {
  const entries = settingFlags(values);
  for (const [name, { key }] of Object.entries(FLAGS)) {
    const value = values[name];
    if (key !== undefined && typeof value === "string") {
      entries.push({ key, value, where: `--${name}` });
    }
  }
  return entries;
}

/** Finds mistakes in flags before the file is read: they are the nearest at hand for whoever typed them. */
function refuseBadFlags(flags: readonly SettingEntry[]): void {
  try {
    applySettings(defaultConfig(), flags);
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new UsageError(error.message.split("\n")[0]!, { cause: error });
    }
    throw error;
  }
}

/** Apache's namesrv.conf calls the name server's port listenPort. */
function asNamesrvEntry(entry: SettingEntry): SettingEntry {
  return entry.key === "listenPort" ? { ...entry, key: "namesrvPort" } : entry;
}

/** The ports that a role listens on, 0 for any, by what listens and the flag that says otherwise. */
export function portsOf(role: Role, config: Config): Readonly<Record<string, number>> {
  const broker: Record<string, number> = { "the broker (--broker-port)": config.listenPort };
  if (config.listenPort > 0) {
    broker["the broker's second port (--set fastListenPort)"] = fastPort(config, config.listenPort);
  }
  const namesrv = { "the name server (--namesrv-port)": config.namesrvPort };
  const http = { "HTTP (--http-port)": config.httpPort };
  return {
    serve: { ...namesrv, ...broker, ...http },
    broker: { ...broker, ...http },
    namesrv: { ...namesrv, ...http },
    dashboard: http,
  }[role];
}

/** Says which two settings collide, where the system would only say that an address is in use. */
function refusePortClash(role: Role, config: Config): void {
  const owners = new Map<number, string>();
  for (const [owner, port] of Object.entries(portsOf(role, config))) {
    if (port === 0) continue;
    const other = owners.get(port);
    if (other !== undefined) {
      throw new UsageError(`${other} and ${owner} both want port ${port}; give one another`);
    }
    owners.set(port, owner);
  }
}
