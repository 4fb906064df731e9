/** The server that the clients talk to: Comet from source, Apache's from its jars, or one that runs already. */

import { type ApacheProcess, startApacheBroker, startApacheNamesrv } from "./apache_server.ts";
import { freePortBase } from "./free_ports.ts";

const READY_LIMIT_MILLIS = 30_000;
const STOP_LIMIT_MILLIS = 30_000;
const POLL_INTERVAL_MILLIS = 50;
/** Apache's broker writes down the end of a transaction within three seconds, and must not ask again before that. */
const CHECK_SOON = { transactionTimeOut: 1_000, transactionCheckInterval: 5_000 };
/** Off by default in both. */
const LIGHT_QUEUES = { enableLmq: true, enableMultiDispatch: true };
const MAIN = new URL("../../main.ts", import.meta.url).pathname;

/** How a server is stopped before it comes back. */
export type RestartMode = "graceful" | "kill";

export interface ServerUnderTest extends AsyncDisposable {
  readonly namesrv: string;
  /** Stops the server and returns when it serves again; undefined when nobody said how. */
  readonly restart: ((mode: RestartMode) => Promise<void>) | undefined;
  /** Resolves to a reason when the server ends by itself. */
  readonly died: Promise<string>;
}

/** A server that somebody else runs; `restartCommand` is a shell command that gets the mode as its argument. */
export function externalServer(
  namesrv: string,
  restartCommand: string | undefined,
): ServerUnderTest {
  const restart = async (mode: RestartMode): Promise<void> => {
    const command = new Deno.Command("sh", { args: ["-c", `${restartCommand} ${mode}`] });
    const { code, stderr } = await command.output();
    if (code !== 0) {
      throw new Error(`Cannot restart the server: ${code} ${new TextDecoder().decode(stderr)}`);
    }
  };
  return {
    namesrv,
    restart: restartCommand === undefined ? undefined : restart,
    died: new Promise(() => {}),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Apache's name server and broker on free ports, with their data and logs in `folder`. */
export async function startApacheServer(folder: string): Promise<ServerUnderTest> {
  await using stack = new AsyncDisposableStack();
  const namesrv = stack.use(await startApacheNamesrv(`${folder}/namesrv`));
  const start = (port?: number) =>
    startApacheBroker({
      data: `${folder}/store`,
      home: `${folder}/broker`,
      namesrv: namesrv.address,
      ...(port === undefined ? {} : { port }),
      settings: {
        enablePropertyFilter: true,
        recallMessageEnable: true,
        timerMaxDelaySec: 31_536_000,
        ...CHECK_SOON,
        ...LIGHT_QUEUES,
      },
    });
  let broker: ApacheProcess = await start();
  stack.defer(() => broker[Symbol.asyncDispose]());
  const parts = stack.move();
  return {
    namesrv: namesrv.address,
    died: new Promise(() => {}),
    restart: async (mode) => {
      await (mode === "graceful" ? broker.stop() : broker.kill());
      broker = await start(broker.port);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Comet on free ports, with its data and its log in `folder`. */
export async function startComet(folder: string): Promise<ServerUnderTest> {
  // The broker's second port is two below its first, and that of replication one above.
  const base = freePortBase([0, 1, 3, 5, 6]);
  const ports = { namesrv: base, http: base + 1, broker: base + 5 };
  const args = ["run", "-A", MAIN, "serve", "--data", `${folder}/data`];
  args.push("--namesrv-port", `${ports.namesrv}`, "--broker-port", `${ports.broker}`);
  args.push("--http-port", `${ports.http}`, "--host", "127.0.0.1");
  for (const [key, value] of Object.entries({ ...CHECK_SOON, ...LIGHT_QUEUES })) {
    args.push("--set", `${key}=${value}`);
  }
  const log = await Deno.open(`${folder}/server.log`, { create: true, append: true });
  const { promise: died, resolve: reportDeath } = Promise.withResolvers<string>();
  let running:
    | { child: Deno.ChildProcess; copied: Promise<unknown>; stopping: boolean }
    | undefined;

  const start = async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const copied = Promise.all([copy(child.stdout, log), copy(child.stderr, log)]);
    running = { child, copied, stopping: false };
    const { status } = child;
    const current = running;
    status.then((found) => {
      if (!current.stopping) reportDeath(`it ended by itself with ${endingOf(found)}`);
    });
    await Promise.race([untilHealthy(ports.http), died.then(fail)]);
  };
  const stop = async (signal: Deno.Signal) => {
    if (running === undefined) return;
    const { child, copied } = running;
    running.stopping = true;
    running = undefined;
    kill(child, signal);
    const timer = setTimeout(() => kill(child, "SIGKILL"), STOP_LIMIT_MILLIS);
    const status = await child.status;
    clearTimeout(timer);
    await copied;
    if (signal === "SIGTERM" && status.code !== 0) {
      throw new Error(`The server ended with ${endingOf(status)} after SIGTERM`);
    }
  };

  try {
    await start();
  } catch (error) {
    await stop("SIGKILL");
    throw new Error(`Cannot start Comet, its log is ${folder}/server.log`, { cause: error });
  }
  return {
    namesrv: `127.0.0.1:${ports.namesrv}`,
    died,
    restart: async (mode) => {
      await stop(mode === "graceful" ? "SIGTERM" : "SIGKILL");
      await start();
    },
    [Symbol.asyncDispose]: async () => {
      await stop("SIGTERM");
      log.close();
    },
  };
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already.
  }
}

function endingOf({ code, signal }: Deno.CommandStatus): string {
  return signal ?? `code ${code}`;
}

async function copy(from: ReadableStream<Uint8Array>, to: Deno.FsFile): Promise<void> {
  for await (const chunk of from) to.writeSync(chunk);
}

function fail(reason: string): never {
  throw new Error(reason);
}

async function untilHealthy(port: number): Promise<void> {
  const deadline = Date.now() + READY_LIMIT_MILLIS;
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/healthz`);
      await response.body?.cancel();
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MILLIS));
  }
  throw new Error(`GET /healthz did not answer 200 within ${READY_LIMIT_MILLIS} ms`);
}
