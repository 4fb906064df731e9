/**
 * The body of REGISTER_BROKER: JSON, or the compressed form that brokers send when `compressedRegister` is set.
 *
 * ```
 *  zlib( length 4 + DataVersion as JSON
 *        count 4 + count × (length 4 + topic in compact form)
 *        length 4 + filterServerList as JSON
 *        from 5.0: count 4 + count × (length 4 + TopicQueueMappingInfo as JSON) )
 * ```
 * Source: RegisterBrokerBody.java of Apache RocketMQ 5.3.3 and 4.9.8.
 */

import { inflateSync } from "node:zlib";
import { decodeUtf8, viewOf } from "../../client/protocol/bytes.ts";
import { type DataVersion, parseDataVersion } from "../../client/protocol/data_version.ts";
import { parseFastjson } from "../../client/protocol/fastjson.ts";
import {
  parseCompactTopicConfig,
  parseTopicConfig,
  type TopicConfig,
} from "../../client/protocol/topic_config.ts";

export interface RegisterBrokerBody {
  readonly dataVersion: DataVersion;
  readonly topicConfigs: readonly TopicConfig[];
  readonly topicQueueMappingInfoMap: Readonly<Record<string, unknown>>;
  readonly filterServerList: readonly string[] | undefined;
}

/** With this every zlib stream begins that Java writes, and no JSON. */
const ZLIB_FIRST_BYTE = 0x78;
/** A compressed body may not grow beyond this, which is room for half a million topics. */
const INFLATED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Reads a body of either form. An empty one stands for a broker without topics. The header's `compressed` does not
 * count: brokers of 5.x compress as they are set to, and say false all the same.
 * @throws {Error} when the bytes are no such body.
 */
export function decodeRegisterBrokerBody(body: Uint8Array): RegisterBrokerBody {
  try {
    if (body.length === 0) return fromJson({});
    return body[0] === ZLIB_FIRST_BYTE ? fromCompressed(body) : fromJson(parseJson(body));
  } catch (error) {
    throw new Error("Cannot read the RegisterBrokerBody", { cause: error });
  }
}

function parseJson(bytes: Uint8Array): unknown {
  return parseFastjson(decodeUtf8(bytes, 0, bytes.length));
}

function fromJson(json: unknown): RegisterBrokerBody {
  const body = json as Record<string, unknown>;
  // Brokers before 3.0.11 send the inner object alone.
  const wrapper = (body["topicConfigSerializeWrapper"] ?? body) as Record<string, unknown>;
  return {
    dataVersion: parseDataVersion(wrapper["dataVersion"]),
    topicConfigs: Object.values(wrapper["topicConfigTable"] ?? {}).map(parseTopicConfig),
    topicQueueMappingInfoMap: (wrapper["topicQueueMappingInfoMap"] ?? {}) as Record<
      string,
      unknown
    >,
    filterServerList: textList(body["filterServerList"]),
  };
}

function fromCompressed(body: Uint8Array): RegisterBrokerBody {
  const bytes = inflateSync(body, { maxOutputLength: INFLATED_BYTES_MAX });
  const view = viewOf(bytes);
  let position = 0;
  const nextCount = () => {
    const count = view.getInt32(position);
    position += 4;
    return count;
  };
  const nextPart = () => {
    const start = position + 4;
    const end = start + view.getInt32(position);
    if (end < start || end > bytes.length) throw new RangeError("a part is longer than the body");
    position = end;
    return bytes.subarray(start, end);
  };
  const nextList = <T>(read: (part: Uint8Array) => T): T[] => {
    const list: T[] = [];
    for (let left = nextCount(); left > 0; left--) list.push(read(nextPart()));
    return list;
  };

  const dataVersion = parseDataVersion(parseJson(nextPart()));
  const topicConfigs = nextList((part) =>
    parseCompactTopicConfig(decodeUtf8(part, 0, part.length))
  );
  const filterServerList = textList(parseJson(nextPart()));
  const mappings = position < bytes.length ? nextList(parseJson) : [];
  const rows = mappings.map((info) => [(info as { topic: string }).topic, info] as const);
  return {
    dataVersion,
    topicConfigs,
    topicQueueMappingInfoMap: Object.fromEntries(rows),
    filterServerList,
  };
}

function textList(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined;
}
