/** The programs that use the clients: how they are built, and what they say while they run. */

export interface ClientProgram {
  /** What the outcome lines call it. */
  readonly label: string;
  build(): Promise<void>;
  /** Command, arguments and environment; `folder` is for whatever the client leaves behind. */
  command(serializeType: string, folder: string): {
    args: [string, ...string[]];
    env: Record<string, string>;
  };
}

/** One line that a program prints; further fields are details of a step. */
export interface ReportLine {
  readonly scenario: string;
  readonly serializeType?: string;
  readonly restartsServer?: boolean;
  readonly restart?: "graceful" | "kill";
  readonly ok?: boolean;
  readonly seconds?: number;
  readonly note?: string;
  readonly reason?: string;
}

const HERE = new URL(".", import.meta.url).pathname;
const JAVA = `${HERE}java`;
const GO = `${HERE}go`;

export const CLIENT_PROGRAMS: readonly ClientProgram[] = [
  {
    label: "java",
    build: () =>
      runTool(JAVA, [
        "mvn",
        "-q",
        "-B",
        "compile",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        "-DoutputDirectory=target/lib",
      ]),
    command: (serializeType, folder) => ({
      args: [
        "java",
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",
        `-Duser.home=${folder}`,
        `-Drocketmq.serialize.type=${serializeType}`,
        "-cp",
        `${JAVA}/target/classes:${JAVA}/target/lib/*`,
        "interop.Main",
      ],
      env: {},
    }),
  },
  {
    label: "go",
    build: () => runTool(GO, ["go", "build", "-o", "target/interop", "."]),
    command: (_serializeType, folder) => ({
      args: [`${GO}/target/interop`],
      env: { HOME: folder },
    }),
  },
  {
    label: "typescript",
    build: () => Promise.resolve(),
    command: () => ({ args: [Deno.execPath(), "run", "-A", `${HERE}typescript/main.ts`], env: {} }),
  },
];

/** A program at work; iterating gives what it prints, until it ends. */
export class RunningProgram implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #errors: Promise<string>;

  constructor(program: ClientProgram, serializeType: string, folder: string, args: string[]) {
    const { args: [command, ...first], env } = program.command(serializeType, folder);
    this.#child = new Deno.Command(command, {
      args: [...first, ...args],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#errors = new Response(this.#child.stderr).text();
  }

  async *lines(): AsyncGenerator<ReportLine> {
    let rest = "";
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) if (line.startsWith('{"')) yield JSON.parse(line);
    }
  }

  async answer(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${text}\n`));
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** How it ended, with the last lines of its standard error. */
  async ending(): Promise<string> {
    const { code, signal } = await this.#child.status;
    const errors = (await this.#errors).trim().split("\n").slice(-5).join(" | ");
    return `the program ended with ${signal ?? `code ${code}`}: ${errors}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill();
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.#input.close().catch(() => {});
  }
}

/** Runs a build tool in a folder. @throws with its output when it fails. */
export async function runTool(
  folder: string,
  [command, ...args]: [string, ...string[]],
): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd: folder }).output();
  if (code === 0) return;
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`Cannot build ${folder}: ${command} ended with code ${code}\n${output}`);
}
