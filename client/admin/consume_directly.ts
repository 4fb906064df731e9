/** Having one consumer consume one message, whatever it has consumed before. */

import { GET_CONSUMER_CONNECTION_LIST } from "../protocol/commands/admin_group.ts";
import { CONSUME_MESSAGE_DIRECTLY } from "../protocol/commands/admin_consumer.ts";
import { refuse, ResponseCode } from "../protocol/response_code.ts";
import { type AdminClient, parseJson } from "./admin_client.ts";
import type { FoundMessage } from "./messages.ts";

/** What the consumer made of it. */
export interface ConsumedDirectly {
  clientId: string;
  /** A CMResult: CR_SUCCESS, CR_LATER, CR_THROW_EXCEPTION, … */
  consumeResult: string;
  spentTimeMillis?: number;
  remark?: string;
}

const TIMEOUT_MILLIS = 10_000;

/**
 * Passes a message to a consumer of a group and waits for what it says.
 * @throws {RemotingError} CONSUMER_NOT_ONLINE when there is none.
 */
export async function consumeDirectly(
  admin: AdminClient,
  message: FoundMessage,
  consumerGroup: string,
  clientId?: string,
): Promise<ConsumedDirectly> {
  const { brokerAddr, brokerName, offsetMsgId, topic } = message;
  const chosen = clientId ?? await firstClient(admin, brokerAddr, consumerGroup);
  const header = { consumerGroup, clientId: chosen, msgId: offsetMsgId, brokerName, topic };
  const { body } = await admin.invoke(brokerAddr, CONSUME_MESSAGE_DIRECTLY, header, {
    timeoutMillis: TIMEOUT_MILLIS,
  });
  const answer = (parseJson(body) ?? {}) as Record<string, unknown>;
  const { consumeResult, spentTimeMills, remark } = answer;
  return {
    clientId: chosen,
    consumeResult: typeof consumeResult === "string" ? consumeResult : "UNKNOWN",
    ...(typeof spentTimeMills === "number" ? { spentTimeMillis: spentTimeMills } : {}),
    ...(typeof remark === "string" ? { remark } : {}),
  };
}

async function firstClient(
  admin: AdminClient,
  brokerAddr: string,
  consumerGroup: string,
): Promise<string> {
  const { body } = await admin.invoke(brokerAddr, GET_CONSUMER_CONNECTION_LIST, { consumerGroup });
  const { connectionSet } = (parseJson(body) ?? {}) as { connectionSet?: { clientId?: string }[] };
  const clientId = connectionSet?.[0]?.clientId;
  if (clientId !== undefined) return clientId;
  throw refuse(ResponseCode.CONSUMER_NOT_ONLINE, `No consumer of ${consumerGroup} is connected`);
}
