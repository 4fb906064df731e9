/** Asking several brokers at once: what each answers, and which of them failed. */

import { RemotingError } from "../protocol/response_code.ts";
import type { BrokerAddress } from "./admin_client.ts";

/** A broker that did not do what it was asked. */
export interface BrokerFailure {
  readonly brokerName: string;
  readonly brokerAddr: string;
  /** What it said, or why it could not be reached. */
  readonly detail: string;
  /** Its ResponseCode, when it refused. */
  readonly code?: number;
}

/** What brokers answered. */
export interface FanOut<T, B extends BrokerAddress = BrokerAddress> {
  readonly answers: readonly { readonly broker: B; readonly value: T }[];
  readonly failures: readonly BrokerFailure[];
}

/**
 * Asks all brokers at the same time. One that fails does not hide what the others say.
 * @throws what the first broker failed with, when all of them failed.
 */
export async function fanOut<T, B extends BrokerAddress>(
  brokers: readonly B[],
  ask: (broker: B) => Promise<T>,
): Promise<FanOut<T, B>> {
  const settled = await Promise.allSettled(brokers.map(ask));
  const answers: { broker: B; value: T }[] = [];
  const failures: BrokerFailure[] = [];
  for (const [index, result] of settled.entries()) {
    const broker = brokers[index]!;
    if (result.status === "fulfilled") answers.push({ broker, value: result.value });
    else failures.push(failureOf(broker, result.reason));
  }
  const [first] = settled;
  if (first?.status === "rejected" && answers.length === 0) throw first.reason;
  return { answers, failures };
}

/** How a broker failed. */
export function failureOf(
  { brokerName, brokerAddr }: Pick<BrokerAddress, "brokerName" | "brokerAddr">,
  error: unknown,
): BrokerFailure {
  const detail = error instanceof Error ? error.message : String(error);
  const code = error instanceof RemotingError ? { code: error.code } : {};
  return { brokerName, brokerAddr, detail, ...code };
}

/** Runs `work` over all items, at most `width` at a time; the results are in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
