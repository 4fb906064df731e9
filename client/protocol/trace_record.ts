/**
 * Records that clients write about messages, into a trace topic. A message of that topic has several:
 *
 * ```
 *  record U+0002 record U+0002 …      record: kind U+0001 field U+0001 field …
 *
 *  Pub             time region group topic msgId tags keys storeHost bodyLength costTime msgType [offsetMsgId] success [clientHost]
 *  SubBefore       time region group requestId msgId retryTimes keys
 *  SubAfter        requestId msgId costTime success keys [contextCode [time group]]
 *  EndTransaction  time region group topic msgId tags keys storeHost msgType transactionId transactionState fromCheck
 *  Recall          time region group topic msgId success
 * ```
 * Fields in brackets are missing in records of older clients.
 * Source: TraceDataEncoder.java of Apache RocketMQ 5.3.3.
 */

export const TRACE_KINDS = ["Pub", "SubBefore", "SubAfter", "EndTransaction", "Recall"] as const;

export interface TraceRecord {
  readonly kind: (typeof TRACE_KINDS)[number];
  readonly msgId: string;
  /** When it happened; milliseconds since the epoch, undefined where the client did not say. */
  readonly timestamp?: number;
  /** Of producers or consumers. */
  readonly group?: string;
  readonly regionId?: string;
  readonly topic?: string;
  readonly tags?: string;
  readonly keys?: string;
  readonly storeHost?: string;
  readonly clientHost?: string;
  readonly offsetMsgId?: string;
  readonly bodyLength?: number;
  /** How long it took; milliseconds. */
  readonly costTime?: number;
  /** The same in the SubBefore and the SubAfter of one consumption. */
  readonly requestId?: string;
  readonly retryTimes?: number;
  /** Why consuming ended so (ConsumeReturnType.java): 0 success, 1 time out, 2 exception, 3 null, 4 failed. */
  readonly contextCode?: number;
  readonly success?: boolean;
  readonly transactionId?: string;
  readonly transactionState?: string;
  readonly isFromTransactionCheck?: boolean;
}

type FieldName = Exclude<keyof TraceRecord, "kind"> | "msgType";

const FIRST = ["timestamp", "regionId", "group"] as const;
const MESSAGE = ["topic", "msgId", "tags", "keys", "storeHost"] as const;

/** The fields of a record by how many it has, the longest form first. */
const LAYOUTS: Readonly<Record<TraceRecord["kind"], readonly (readonly FieldName[])[]>> = {
  Pub: [
    ["offsetMsgId", "success", "clientHost"],
    ["offsetMsgId", "success"],
    ["success"],
  ].map((end) =>
    [...FIRST, ...MESSAGE, "bodyLength", "costTime", "msgType", ...end] as FieldName[]
  ),
  SubBefore: [[...FIRST, "requestId", "msgId", "retryTimes", "keys"]],
  SubAfter: [
    ["contextCode", "timestamp", "group"],
    ["contextCode"],
    [],
  ].map((end) => ["requestId", "msgId", "costTime", "success", "keys", ...end] as FieldName[]),
  EndTransaction: [
    [
      ...FIRST,
      ...MESSAGE,
      "msgType",
      "transactionId",
      "transactionState",
      "isFromTransactionCheck",
    ],
  ],
  Recall: [[...FIRST, "topic", "msgId", "success"]],
};

const NUMBERS = new Set<FieldName>([
  "timestamp",
  "bodyLength",
  "costTime",
  "retryTimes",
  "contextCode",
]);
const SWITCHES = new Set<FieldName>(["success", "isFromTransactionCheck"]);

/** The records in the body of a message of a trace topic; what is none is left out. */
export function parseTraceRecords(body: string): TraceRecord[] {
  return body.split("\u0002").flatMap((text) => {
    const [kind, ...values] = text.split("\u0001");
    if (kind === undefined || !isKind(kind)) return [];
    const layouts = LAYOUTS[kind];
    const fields = layouts.find((fields) => values.length >= fields.length);
    if (fields === undefined) return [];
    return [{ kind, ...readFields(fields, values) } as TraceRecord];
  });
}

function isKind(text: string): text is TraceRecord["kind"] {
  return Object.hasOwn(LAYOUTS, text);
}

function readFields(fields: readonly FieldName[], values: readonly string[]) {
  const record: Partial<Record<FieldName, string | number | boolean>> = {};
  for (const [at, name] of fields.entries()) {
    const value = readField(name, values[at]!);
    if (value !== undefined) record[name] = value;
  }
  return record;
}

/** Java writes what is not there as "null". */
function readField(name: FieldName, text: string): string | number | boolean | undefined {
  if (text === "" || text === "null" || name === "msgType") return undefined;
  if (SWITCHES.has(name)) return text === "true";
  if (!NUMBERS.has(name)) return text;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
