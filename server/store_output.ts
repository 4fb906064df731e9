/** Printing for the tools: to a pipe that somebody may close, and progress for whoever waits. */

/** Gathers text and writes it to stdout; knows when nobody reads it any more. */
export class Output {
  #text = "";
  /** The reader has gone, as `head` does. */
  isClosed = false;

  print(text: string): void {
    this.#text += text;
    if (this.#text.length >= 64 * 1024) this.flush();
  }

  flush(): void {
    let bytes = new TextEncoder().encode(this.#text);
    this.#text = "";
    try {
      while (bytes.length > 0 && !this.isClosed) {
        bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.isClosed = true;
    }
  }
}

const PROGRESS_INTERVAL_MILLIS = 3_000;

/** Writes a line to stderr every few seconds, when that is wanted. */
export class Progress {
  readonly #isOn: boolean;
  #nextAt = performance.now() + PROGRESS_INTERVAL_MILLIS;

  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  /** @param line makes the line; called only when it is time for one. */
  tell(line: () => string): void {
    if (!this.#isOn || performance.now() < this.#nextAt) return;
    this.#nextAt = performance.now() + PROGRESS_INTERVAL_MILLIS;
    Deno.stderr.writeSync(new TextEncoder().encode(`${line()}\n`));
  }
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes as people say it. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** Text from files without what would move a terminal's cursor; line breaks show as `\n`. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- these are meant
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => {
    const code = character.charCodeAt(0);
    return SHORT[code] ?? `\\x${code.toString(16).padStart(2, "0")}`;
  });
}

const SHORT: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r" };
