/** Reading half messages, and finding out whether the message of one was delivered. */

import { MessageSysFlag } from "../../../client/protocol/message.ts";
import { SCHEDULE_TOPIC } from "../../../store/dispatch.ts";
import type { MessageStore } from "../../../store/message_store.ts";
import { messageOf } from "../pop/pop_records.ts";
import { SYSTEM_TOPIC_PREFIX, SystemTopic } from "../topic_name.ts";
import { type Half, readHalf } from "./half_message.ts";
import type { HalfPlace, OpenTransaction } from "./open_table.ts";

export interface HalfReaderOptions {
  store: Pick<MessageStore, "readTail" | "selectMessageByOffset" | "queryMessage">;
  settings: Readonly<{ messageIndexEnable: boolean }>;
}

/** Topics in which a message waits that is delayed. */
const DELAY_TOPICS = [SCHEDULE_TOPIC, `${SYSTEM_TOPIC_PREFIX}wheel_timer`];
/** As many messages with one unique key are looked at: sends that were tried again have the same. */
const SAME_KEY_MAX = 64;

export class HalfReader {
  readonly #options: HalfReaderOptions;

  constructor(options: HalfReaderOptions) {
    this.#options = options;
  }

  /** A half message that is in memory: views, valid until the next await. */
  inMemory({ physicalOffset, size }: HalfPlace): Half | undefined {
    const record = this.#options.store.readTail(physicalOffset, size);
    return record && readHalf(record, SystemTopic.TRANS_HALF);
  }

  /** The half message at a place; undefined when it cannot be read. Not shared with a buffer. */
  async of(place: HalfPlace): Promise<Half | undefined> {
    const record = this.#options.store.readTail(place.physicalOffset, place.size);
    if (record !== undefined) return readHalf(record.slice(), SystemTopic.TRANS_HALF);
    return await this.at(place.physicalOffset);
  }

  /** The half message whose record begins at `physicalOffset`; undefined when none does. Not shared with a buffer. */
  async at(
    physicalOffset: number,
    topic: string = SystemTopic.TRANS_HALF,
  ): Promise<Half | undefined> {
    const record = await this.#options.store.selectMessageByOffset(physicalOffset);
    return record && readHalf(record, topic);
  }

  /** Whether the message that ends a transaction is in the log already; looked up where that is in doubt. */
  async hasEnded(open: OpenTransaction, half: Half): Promise<boolean> {
    if (open.isSuspect && await this.wasDelivered(half)) open.isEnded = true;
    open.isSuspect = false;
    return open.isEnded;
  }

  /**
   * Whether the message of a transaction was delivered: looked up in the index by its unique key, in its topic and in
   * those of delayed messages. The records of a half message and its final one have the same born time.
   * @returns undefined when that cannot be found out.
   */
  async wasDelivered(
    { topic, uniqKey: key, layout, isDelayed }: Half,
  ): Promise<boolean | undefined> {
    const { store, settings } = this.#options;
    if (!settings.messageIndexEnable || key === undefined) return undefined;
    const { bornTimestamp } = layout;
    const times = { beginTimestamp: 0, endTimestamp: Number.MAX_SAFE_INTEGER };
    for (const queried of isDelayed ? [...DELAY_TOPICS, topic] : [topic]) {
      const query = { topic: queried, key, maxNum: SAME_KEY_MAX, ...times };
      for (const record of await store.queryMessage(query)) {
        const { layout } = messageOf(record);
        const isFinal = (layout.sysFlag & MessageSysFlag.TRANSACTION_ROLLBACK) ===
          MessageSysFlag.TRANSACTION_COMMIT;
        if (isFinal && layout.bornTimestamp === bornTimestamp) return true;
      }
    }
    return false;
  }
}
