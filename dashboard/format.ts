/** How values are written: short, aligned, the same everywhere. Pure. */

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const KIB = 1024;

/** 1234567 as "1,234,567". */
export function formatCount(count: number): string {
  return GROUPED.format(count);
}

/** Messages per second: "0", "0.4", "12", "1.2k", "3.4M". */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 10) return trimZero(perSecond.toFixed(1));
  return formatShort(perSecond);
}

/** A large number in few signs: 999, "1.2k", "15k", "3.4M". */
export function formatShort(value: number): string {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (Math.abs(value) < size * 0.9995) continue;
    const scaled = value / size;
    return `${trimZero(scaled.toFixed(scaled < 9.95 ? 1 : 0))}${unit}`;
  }
  return String(Math.round(value));
}

/** 1536 as "1.5 KiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (value < KIB || unit === "TiB") {
      return `${
        unit === "B" || value >= 99.95 ? Math.round(value) : trimZero(value.toFixed(1))
      } ${unit}`;
    }
    value /= KIB;
  }
  return "";
}

/** A part of one: 0.873 as "87 %", 0.0042 as "0.4 %". */
export function formatPercent(part: number): string {
  const percent = part * 100;
  return `${percent > 0 && percent < 1 ? percent.toFixed(1) : Math.round(percent)} %`;
}

const DURATION_UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]] as const;

/** A span in its two largest units: "350 ms", "2.4 s", "3 min 5 s", "2 d 4 h". */
export function formatDuration(millis: number): string {
  if (millis < 0) return `-${formatDuration(-millis)}`;
  if (millis < 1000) return `${trimZero(millis < 10 ? millis.toFixed(1) : millis.toFixed(0))} ms`;
  if (millis < 10_000) return `${trimZero((millis / 1000).toFixed(1))} s`;
  const at = DURATION_UNITS.findIndex(([, size]) => millis >= size);
  const [unit, size] = DURATION_UNITS[at]!;
  const whole = Math.floor(millis / size);
  const next = DURATION_UNITS[at + 1];
  const rest = next === undefined ? 0 : Math.floor(millis % size / next[1]);
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${next![0]}`;
}

/** A moment in the browser's time zone: "2026-11-24 16:40:18", with ".123" when asked; "–" for none. */
export function formatTime(timestamp: number | undefined, withMillis = false): string {
  if (timestamp === undefined || timestamp <= 0) return "–";
  const date = new Date(timestamp);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(":");
  const millis = withMillis ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "";
  return `${day} ${time}${millis}`;
}

/** For `<input type="datetime-local" step="1">`. */
export function toLocalInput(timestamp: number): string {
  return formatTime(timestamp).replace(" ", "T");
}

/** What such an input holds, as milliseconds since 1970; undefined when it is no time. */
export function fromLocalInput(text: string): number | undefined {
  const timestamp = new Date(text).getTime();
  return text === "" || Number.isNaN(timestamp) ? undefined : timestamp;
}

/** The bytes as lines of a hex dump: place, sixteen bytes, what is printable. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const row = [...bytes.subarray(start, start + 16)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const left = hex.slice(0, 8).join(" ").padEnd(23);
    const right = hex.slice(8).join(" ").padEnd(23);
    const text = row.map((byte) => byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : ".");
    lines.push(`${start.toString(16).padStart(8, "0")}  ${left}  ${right}  ${text.join("")}`);
  }
  return lines.join("\n");
}

/** JSON laid out in lines; undefined when the text is none, or no object or list. */
export function prettyJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

/** A text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function trimZero(text: string): string {
  return text.replace(/\.0+$/, "");
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
