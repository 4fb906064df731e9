/** Starts the whole program as a user does, on free ports, and speaks to it. */

import { PULL_MESSAGE, PullSysFlag } from "../../client/protocol/commands/pull.ts";
import { SEND_BATCH_MESSAGE, SEND_MESSAGE_V2 } from "../../client/protocol/commands/send.ts";
import { encodeBatch } from "../../client/protocol/message_batch.ts";
import { decodeMessages, type StoredMessage } from "../../client/protocol/message_record.ts";
import { createRequest, type RemotingCommand } from "../../client/protocol/frame.ts";
import { type Command, encodeHeader, type Fields } from "../../client/protocol/header_schema.ts";
import type { HeaderInput } from "../../client/protocol/header_schema.ts";
import { RemotingClient } from "../../client/remoting/remoting_client.ts";

export interface Comet extends AsyncDisposable {
  brokerPort: number;
  namesrvPort: number;
  httpPort: number;
  pid: number;
  /** What it printed at its start. */
  banner: string;
  /** Ends it as SIGKILL does. */
  kill(): Promise<void>;
  /** Asks it to stop; gives its exit code. */
  stop(): Promise<number>;
  /** The lines that it logged, once it has ended. */
  log: Promise<string>;
  /** Its exit code, once it has ended. */
  ended: Promise<number>;
}

/**
 * Starts the program over a data folder and waits until clients can send. BINARY_UNDER_TEST in the environment names a
 * binary to start in place of the source.
 * @param program another one that starts it, as one that makes the disk fail.
 */
export async function startComet(
  folder: string,
  flags: string[] = [],
  role = "serve",
  program = "main.ts",
): Promise<Comet> {
  const zero = ["--namesrv-port", "0", "--broker-port", "0", "--http-port", "0"];
  const binary = program === "main.ts" ? Deno.env.get("BINARY_UNDER_TEST") : undefined;
  const source = ["run", "-A", "--v8-flags=--max-semi-space-size=8", program];
  const child = new Deno.Command(binary ?? Deno.execPath(), {
    args: [...binary === undefined ? source : [], role, "--data", folder, ...zero, ...flags],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let banner = "";
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!banner.includes("/healthz")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Comet did not start: ${banner}${await errors}`);
    banner += value;
  }
  // A part that the role lacks has no line, and no port.
  const port = (label: string) => Number(new RegExp(`${label} .*?:(\\d+)`).exec(banner)?.[1] ?? 0);
  const end = async (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended already, which the status says.
    }
    await reader.cancel();
    await errors;
    return (await child.status).code;
  };
  return {
    brokerPort: port("broker"),
    namesrvPort: port("name server"),
    httpPort: port("health"),
    pid: child.pid,
    banner,
    log: errors,
    ended: child.status.then(({ code }) => code),
    kill: async () => void await end("SIGKILL"),
    stop: () => end("SIGTERM"),
    [Symbol.asyncDispose]: async () => void await end("SIGKILL"),
  };
}

/** A client that sends commands to one broker. */
export class TestClient implements AsyncDisposable {
  readonly #client = new RemotingClient();
  readonly #address: string;

  constructor(port: number, hostname = "127.0.0.1") {
    this.#address = `${hostname}:${port}`;
  }

  invoke<Q extends Fields, R extends Fields>(
    command: Command<Q, R>,
    header: HeaderInput<Q>,
    body?: Uint8Array,
    timeoutMillis = 10_000,
  ): Promise<RemotingCommand> {
    const request = createRequest(command.code, encodeHeader(command.request, header), body);
    return this.#client.invoke(this.#address, request, timeoutMillis);
  }

  /** Sends a message to queue 0, of which the topic gets `queueNums` when it is new. */
  send(
    topic: string,
    body: Uint8Array,
    fields: Partial<SendHeader> = {},
  ): Promise<RemotingCommand> {
    return this.invoke(SEND_MESSAGE_V2, { ...sendHeader(topic), ...fields }, body);
  }

  /** Sends messages as one batch, as `send` does one. @throws when they are refused. */
  async sendBatch(
    topic: string,
    items: Parameters<typeof encodeBatch>[0],
    fields: Partial<SendHeader> = {},
    timeoutMillis?: number,
  ): Promise<void> {
    const header = { ...sendHeader(topic), batch: true, ...fields };
    const answer = await this.invoke(SEND_BATCH_MESSAGE, header, encodeBatch(items), timeoutMillis);
    if (answer.code !== 0) throw new Error(`${answer.code} ${answer.remark}`);
  }

  /** Waits in a held pull for the next message of queue 0. @throws when none comes. */
  async next(topic: string, queueOffset: number): Promise<StoredMessage> {
    const answer = await this.pull(topic, { ...HELD_PULL, queueOffset, maxMsgNums: 1 });
    if (answer.code !== 0) throw new Error(`${answer.code} ${answer.remark}`);
    return decodeMessages(answer.body)[0]!;
  }

  /** Pulls as the group "g", everything there is. */
  pull(
    topic: string,
    fields: Partial<HeaderInput<typeof PULL_MESSAGE.request.fields>>,
  ): Promise<RemotingCommand> {
    return this.invoke(PULL_MESSAGE, { ...pullHeader(topic), ...fields });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }
}

type SendHeader = HeaderInput<typeof SEND_MESSAGE_V2.request.fields>;

/** Of a message to queue 0, of which the topic gets one when it is new. */
function sendHeader(topic: string): SendHeader {
  return {
    producerGroup: "p",
    topic,
    defaultTopic: "TBW102",
    defaultTopicQueueNums: 1,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    flag: 0,
  };
}

/** What makes a pull wait for a message. */
export const HELD_PULL = {
  sysFlag: PullSysFlag.SUBSCRIPTION | PullSysFlag.SUSPEND,
  suspendTimeoutMillis: 8_000,
};

/** The header of a pull as the group "g" that does not wait. */
export function pullHeader(topic: string): HeaderInput<typeof PULL_MESSAGE.request.fields> {
  return {
    consumerGroup: "g",
    topic,
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: PullSysFlag.SUBSCRIPTION,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subscription: "*",
    subVersion: 0,
  };
}
