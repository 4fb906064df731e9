import { assert, assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../client/protocol/bytes.ts";
import { decodeMessages } from "../../client/protocol/message_record.ts";
import type { GetMessageResult, MessageFilter } from "../../store/get_message.ts";
import type { MessageStore } from "../../store/message_store.ts";
import { messageToStore, openStore } from "../helpers/store.ts";

const COUNT = 3_000;

/** A store with messages whose property n is their queueOffset, in memory or, opened anew, only in files. */
async function withStore(cold: boolean, test: (store: MessageStore) => Promise<void>) {
  const folder = Deno.makeTempDirSync();
  try {
    let store = openStore(folder, { mappedFileSizeCommitLog: 1024 * 1024 });
    for (let n = 0; n < COUNT; n++) {
      store.putMessage(messageToStore("T", `m-${n}`, { properties: `n\u0001${n}\u0002` }));
      // Neighbours in the log, which no reader of T may get.
      if (n % 7 === 0) store.putMessage(messageToStore("U", "other", { queueId: 1 }));
    }
    store.commit();
    if (cold) {
      await store[Symbol.asyncDispose]();
      store = openStore(folder, { mappedFileSizeCommitLog: 1024 * 1024 });
    }
    await test(store);
    await store[Symbol.asyncDispose]();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Wants the messages for which `wants` is true; counts how many it was asked about. */
function filterBy(wants: (n: number) => boolean): MessageFilter & { asked: number } {
  return {
    asked: 0,
    matchesTagsCode: () => true,
    matchesRecord(record) {
      this.asked++;
      return wants(Number(bodyOf(record).slice(2)));
    },
  };
}

function bodyOf(record: Uint8Array): string {
  const { body } = decodeMessages(record)[0]!;
  return decodeUtf8(body, 0, body.length);
}

async function get(
  store: MessageStore,
  queueOffset: number,
  filter: MessageFilter,
): Promise<GetMessageResult & { bodies: string[] }> {
  const options = { queueOffset, maxMsgNums: 32, maxMsgBytes: 262_144, filter };
  const result = store.getMessage("T", 0, options);
  const settled = result instanceof Promise ? await result : result;
  return { ...settled, bodies: settled.parts.map(bodyOf) };
}

for (const cold of [false, true]) {
  const where = cold ? "from files" : "from memory";

  Deno.test(`getMessage() gives all that a filter over records wants and nothing else, ${where}`, async () => {
    await withStore(cold, async (store) => {
      const filter = filterBy((n) => n % 100 === 99);
      const bodies: string[] = [];
      for (let queueOffset = 0; queueOffset < COUNT;) {
        const result = await get(store, queueOffset, filter);
        assert(["FOUND", "NO_MATCHED_MESSAGE"].includes(result.status), result.status);
        assertEquals(result.status === "FOUND", result.messageCount > 0);
        assertEquals(result.messageCount, result.parts.length);
        assert(result.nextBeginOffset > queueOffset);
        bodies.push(...result.bodies);
        queueOffset = result.nextBeginOffset;
      }
      const wanted = Array.from({ length: COUNT / 100 }, (_, index) => `m-${index * 100 + 99}`);
      assertEquals(bodies, wanted);
      assertEquals((await get(store, COUNT, filter)).status, "OFFSET_OVERFLOW_ONE");
    });
  });

  Deno.test(`getMessage() looks at no more than 800 messages that a filter does not want, ${where}`, async () => {
    await withStore(cold, async (store) => {
      const filter = filterBy(() => false);
      const result = await get(store, 100, filter);
      assertEquals([result.status, result.messageCount], ["NO_MATCHED_MESSAGE", 0]);
      assertEquals(result.nextBeginOffset, 100 + filter.asked);
      // Fewer on a machine that is too busy to look at them in time.
      assert(filter.asked > 30 && filter.asked <= 800, `${filter.asked}`);
    });
  });
}

Deno.test("getMessage() lets others before a filter over records has taken long", async () => {
  await withStore(false, async (store) => {
    const filter = filterBy(() => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return false;
    });
    const result = await get(store, 0, filter);
    assertEquals([result.status, result.nextBeginOffset], ["NO_MATCHED_MESSAGE", 31]);
    assertEquals(filter.asked, 31);
  });
});

Deno.test("getMessage() does not ask a filter over records about what its tags rule out", async () => {
  await withStore(false, async (store) => {
    const filter = { ...filterBy(() => true), matchesTagsCode: () => false };
    await get(store, 0, filter);
    assertEquals(filter.asked, 0);
  });
});
