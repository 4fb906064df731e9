/**
 * Apache RocketMQ's own name server and broker, run on loopback from their published jars. `buildApache` fetches the
 * jars once; `startApache` starts both, `startApacheNamesrv` and `startApacheBroker` one of them.
 */

import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { UPDATE_BROKER_CONFIG } from "../../client/protocol/commands/admin_broker.ts";
import { GET_BROKER_CLUSTER_INFO } from "../../client/protocol/commands/namesrv.ts";
import { parseAddress } from "../../client/remoting/remoting_client.ts";
import { TestClient } from "../helpers/comet.ts";
import { runTool } from "./client_program.ts";
import { freePortBase } from "./free_ports.ts";

const HOME = new URL("apache", import.meta.url).pathname;
const CLASS_PATH = `${HOME}/target/lib/*`;
const START_LIMIT_MILLIS = 60_000;
/** A broker that stops waits for its own threads, for some 15 seconds in all. */
const STOP_LIMIT_MILLIS = 60_000;
const REGISTERED_POLL_MILLIS = 200;
const OUTPUT_KEPT = 2_000;

/** Little memory, a quick start; what it maps and reflects on is closed to it by default from Java 16 on. */
const JVM_FLAGS = [
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-Xms64m",
  "-Xmx512m",
  "-XX:MaxDirectMemorySize=512m",
  "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
  ...["sun.nio.ch", "java.nio", "java.util", "java.lang"].map((name) =>
    `--add-opens=java.base/${name}=ALL-UNNAMED`
  ),
];

/** Settings of broker.conf. */
export type ApacheSettings = Readonly<Record<string, string | number | boolean>>;

/** One process of Apache's. It is killed when it is disposed of. */
export interface ApacheProcess extends AsyncDisposable {
  /** Where it listens: 127.0.0.1:port. */
  readonly address: string;
  readonly port: number;
  /** Its logs, such as store.log. */
  readonly logFolder: string;
  /** Stops it in an orderly way. @throws when it takes too long. */
  stop(): Promise<void>;
  /** Ends it as SIGKILL does. */
  kill(): Promise<void>;
}

export interface ApacheBrokerOptions {
  /** The data folder, storePathRootDir. */
  data: string;
  /** For logs and the settings file. */
  home: string;
  /** host:port */
  namesrv: string;
  /** A free one when absent; the two below and the one above it are used as well. */
  port?: number;
  settings?: ApacheSettings;
}

/** Fetches the jars, of which all but the first time nothing is new. */
export function buildApache(): Promise<void> {
  return runTool(HOME, [
    "mvn",
    "-q",
    "-B",
    "dependency:copy-dependencies",
    "-DincludeScope=runtime",
    "-DoutputDirectory=target/lib",
  ]);
}

/** Starts a name server on a free port. */
export async function startApacheNamesrv(home: string): Promise<ApacheProcess> {
  const port = freePortBase([0]);
  return await startJava({
    main: "org.apache.rocketmq.namesrv.NamesrvStartup",
    home,
    port,
    settings: { listenPort: port, bindAddress: "127.0.0.1" },
    args: [],
  });
}

/** Starts a broker over a data folder; resolves when it serves and the name server knows it. */
export async function startApacheBroker(options: ApacheBrokerOptions): Promise<ApacheProcess> {
  const { data, home, namesrv, settings } = options;
  const port = options.port ?? freePortBase([0, 1, 3]) + 2;
  const broker = await startJava({
    main: "org.apache.rocketmq.broker.BrokerStartup",
    home,
    port,
    settings: {
      brokerClusterName: "DefaultCluster",
      brokerName: "broker-a",
      brokerIP1: "127.0.0.1",
      listenPort: port,
      storePathRootDir: data,
      storePathCommitLog: `${data}/commitlog`,
      // How often it looks for messages to hand out again; a stop waits for that.
      reviveInterval: 100,
      ...settings,
    },
    args: ["-n", namesrv],
  });
  try {
    await untilRegistered(broker, namesrv);
  } catch (error) {
    await broker.kill();
    throw error;
  }
  return broker;
}

/**
 * A broker registers when it starts if it has found the name server by then, else 10 seconds later, or when its
 * permission is set.
 */
async function untilRegistered({ address, port }: ApacheProcess, namesrv: string): Promise<void> {
  await using broker = new TestClient(port);
  await using nameServer = new TestClient(parseAddress(namesrv).port);
  const deadline = Date.now() + START_LIMIT_MILLIS;
  while (Date.now() < deadline) {
    const { body } = await nameServer.invoke(GET_BROKER_CLUSTER_INFO, {});
    if (decodeUtf8(body, 0, body.length).includes(`"${address}"`)) return;
    await broker.invoke(UPDATE_BROKER_CONFIG, {}, encodeUtf8("brokerPermission=6"));
    await new Promise((resolve) => setTimeout(resolve, REGISTERED_POLL_MILLIS));
  }
  throw new Error(`${namesrv} does not know the broker ${address}`);
}

/** A name server with one broker. */
export interface Apache extends AsyncDisposable {
  readonly namesrv: ApacheProcess;
  readonly broker: ApacheProcess;
}

/** Starts both, with their data and logs in `folder`. */
export async function startApache(folder: string, settings: ApacheSettings = {}): Promise<Apache> {
  await using stack = new AsyncDisposableStack();
  const namesrv = stack.use(await startApacheNamesrv(`${folder}/namesrv`));
  const broker = stack.use(
    await startApacheBroker({
      data: `${folder}/store`,
      home: `${folder}/broker`,
      namesrv: namesrv.address,
      settings,
    }),
  );
  const parts = stack.move();
  return { namesrv, broker, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** Runs Apache's admin tool, which is a client of Java's; gives what it prints. @throws when it fails. */
export async function mqadmin(home: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await mqadminCommand(home, args).output();
  // A command that fails says so among its errors, and the program still ends with 0.
  const errors = new TextDecoder().decode(stderr);
  if (code === 0 && !errors.includes("Exception")) return new TextDecoder().decode(stdout);
  throw new Error(`mqadmin ${args.join(" ")} failed: ${errors}`);
}

/** How Apache's admin tool is run; its logs and temporary files are in `home`. */
export function mqadminCommand(home: string, args: string[]): Deno.Command {
  const encodings = ["-Dfile.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8"];
  const folders = [`-Duser.home=${home}`, `-Djava.io.tmpdir=${home}`];
  return new Deno.Command("java", {
    args: [...JVM_FLAGS, ...folders, ...encodings, "-cp", CLASS_PATH]
      .concat("org.apache.rocketmq.tools.command.MQAdminStartup", args),
    env: { ROCKETMQ_HOME: home },
    stdout: "piped",
    stderr: "piped",
  });
}

interface JavaOptions {
  main: string;
  home: string;
  port: number;
  settings: ApacheSettings;
  args: string[];
}

async function startJava(
  { main, home, port, settings, args }: JavaOptions,
): Promise<ApacheProcess> {
  const configFile = `${home}/${main.split(".").at(-1)}.conf`;
  await Deno.mkdir(`${home}/conf`, { recursive: true });
  await Deno.writeTextFile(
    configFile,
    Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join(""),
  );
  const child = new Deno.Command("java", {
    args: [...JVM_FLAGS, `-Duser.home=${home}`, "-cp", CLASS_PATH, main]
      .concat("-c", configFile, args),
    env: { ROCKETMQ_HOME: home },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already.
    }
    await within(STOP_LIMIT_MILLIS, child.status, `${main} does not end; its logs are in ${home}`);
  };
  try {
    const started = untilStarted(child, main);
    await within(START_LIMIT_MILLIS, started, `${main} does not start; its logs are in ${home}`);
  } catch (error) {
    await end("SIGKILL");
    throw error;
  }
  return {
    address: `127.0.0.1:${port}`,
    port,
    logFolder: `${home}/logs/rocketmqlogs`,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: () => end("SIGKILL"),
  };
}

/** Waits for the line that says so, and reads on so that the program never waits for somebody to read. */
async function untilStarted(child: Deno.ChildProcess, main: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let output = "";
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output = (output + text).slice(-OUTPUT_KEPT);
      if (/boot success/i.test(output)) resolve();
    }
  };
  Promise.all([follow(child.stdout), follow(child.stderr)])
    .then(() => reject(new Error(`${main} ended: ${output}`)), reject);
  await promise;
}

async function within<T>(millis: number, promise: Promise<T>, failure: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(failure)), millis);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
