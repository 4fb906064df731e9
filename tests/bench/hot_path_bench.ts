/** The leaves of the hot path: `deno task bench`. */

import { ByteWriter, viewOf } from "../../client/protocol/bytes.ts";
import { PULL_MESSAGE } from "../../client/protocol/commands/pull.ts";
import { SEND_MESSAGE_V2 } from "../../client/protocol/commands/send.ts";
import {
  createRequest,
  createResponse,
  decodeFrame,
  encodeFrame,
  SerializeType,
} from "../../client/protocol/frame.ts";
import { decodeHeader, encodeHeader } from "../../client/protocol/header_schema.ts";
import {
  createMessageId,
  findProperty,
  hostBytes,
  javaHashCode,
} from "../../client/protocol/message.ts";
import {
  checkRecord,
  encodeRecord,
  type MessageToStore,
  recordBytesMax,
  recordCrc,
} from "../../client/protocol/message_record.ts";
import { openStore } from "../helpers/store.ts";

const HOST = hostBytes("127.0.0.1", 10911);
const PROPERTIES =
  "UNIQ_KEY\u00017F00000146E0251A69D70000012C0000\u0002WAIT\u0001true\u0002TAGS\u0001paid\u0002";
const MESSAGE: MessageToStore = {
  topic: "Orders",
  queueId: 1,
  flag: 0,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  bornHost: HOST,
  storeHost: HOST,
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: new Uint8Array(1024),
  properties: PROPERTIES,
};
const SEND_HEADER = encodeHeader(SEND_MESSAGE_V2.request, {
  producerGroup: "producers",
  topic: "Orders",
  defaultTopic: "TBW102",
  defaultTopicQueueNums: 4,
  queueId: 1,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  flag: 0,
  properties: PROPERTIES,
});

for (const [name, serializeType] of Object.entries(SerializeType)) {
  const request = createRequest(310, SEND_HEADER, MESSAGE.body);
  request.serializeType = serializeType;
  const out = new ByteWriter(4096);
  encodeFrame(out, request);
  const bytes = out.written().slice();
  const view = viewOf(bytes);
  Deno.bench(`decodeFrame, SEND_MESSAGE_V2, ${name}`, { group: "frame" }, () => {
    decodeFrame(bytes, view, 0, bytes.length);
  });
  const extFields = encodeHeader(SEND_MESSAGE_V2.response, {
    msgId: "7F00000100002A9F0000000000000000",
    queueId: 1,
    queueOffset: 100,
  });
  Deno.bench(`encodeFrame, its response, ${name}`, { group: "frame" }, () => {
    out.reset();
    encodeFrame(out, createResponse(request, 0, undefined, extFields));
  });
}

Deno.bench("decodeHeader, SEND_MESSAGE_V2", { group: "header" }, () => {
  decodeHeader(SEND_MESSAGE_V2.request, SEND_HEADER);
});
Deno.bench("encodeHeader, PULL_MESSAGE's response", { group: "header" }, () => {
  encodeHeader(PULL_MESSAGE.response, {
    suggestWhichBrokerId: 0,
    nextBeginOffset: 33,
    minOffset: 0,
    maxOffset: 1000,
  });
});

Deno.bench("findProperty", { group: "message" }, () => {
  findProperty(PROPERTIES, "TAGS");
});
Deno.bench("javaHashCode of a key", { group: "message" }, () => {
  javaHashCode("Orders#7F00000146E0251A69D70000012C0000");
});
Deno.bench("createMessageId", { group: "message" }, () => {
  createMessageId(HOST, 123_456_789_012);
});

const record = new Uint8Array(recordBytesMax(MESSAGE));
const recordView = viewOf(record);
const place = { queueOffset: 1, physicalOffset: 2, storeTimestamp: 3 };
const size = encodeRecord(record, recordView, 0, MESSAGE, place, true);
Deno.bench("encodeRecord, 1 KiB with checksum property", { group: "record" }, () => {
  encodeRecord(record, recordView, 0, MESSAGE, place, true);
});
Deno.bench("encodeRecord, 1 KiB without", { group: "record" }, () => {
  encodeRecord(record, recordView, 0, MESSAGE, place, false);
});
encodeRecord(record, recordView, 0, MESSAGE, place, true);
Deno.bench("checkRecord, 1 KiB", { group: "record" }, () => {
  checkRecord(record, recordView, 0, size);
});
Deno.bench("recordCrc, 1 KiB", { group: "record" }, () => {
  recordCrc(MESSAGE.body);
});

const folder = Deno.makeTempDirSync();
const store = openStore(folder, {
  mappedFileSizeCommitLog: 1 << 30,
  mappedFileSizeConsumeQueue: 6_000_000,
  maxHashSlotNum: 5_000_000,
  maxIndexNum: 20_000_000,
});
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
Deno.bench("store: put and commit 32 messages of 1 KiB, ASYNC_FLUSH", { group: "store" }, () => {
  for (let n = 0; n < 32; n++) store.putMessage(MESSAGE);
  store.commit();
});
