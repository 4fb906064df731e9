/** What a consumer did of late, by topic, as admins are told it (ConsumeStatus.java: rates and times of a minute). */

const WINDOW_SECONDS = 60;
/** How far the count of failures goes back (ConsumerStatsManager.java of Apache RocketMQ 5.3.3). */
const FAILED_SECONDS = 3_600;

interface Second {
  at: number;
  pulls: number;
  pulledCount: number;
  pullMillis: number;
  consumes: number;
  consumeMillis: number;
  okCount: number;
  failedCount: number;
}

/** A ConsumeStatus: messages a second, and milliseconds a pull or a call of the listener takes. */
export interface ConsumeStatus {
  pullRT: number;
  pullTPS: number;
  consumeRT: number;
  consumeOKTPS: number;
  consumeFailedTPS: number;
  /** Of the last hour. */
  consumeFailedMsgs: number;
}

export class ConsumeStats {
  readonly #now: () => number;
  /** One for each second in which something happened, oldest first. */
  readonly #topics = new Map<string, Second[]>();

  /** @param now milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A pull has brought so many messages. */
  pulled(topic: string, count: number, millis: number): void {
    const second = this.#second(topic);
    second.pulls++;
    second.pulledCount += count;
    second.pullMillis += millis;
  }

  /** A listener is through with so many messages. */
  consumed(topic: string, count: number, millis: number, isOk: boolean): void {
    const second = this.#second(topic);
    second.consumes++;
    second.consumeMillis += millis;
    if (isOk) second.okCount += count;
    else second.failedCount += count;
  }

  #second(topic: string): Second {
    const at = Math.floor(this.#now() / 1000);
    let seconds = this.#topics.get(topic);
    if (seconds === undefined) this.#topics.set(topic, seconds = []);
    const last = seconds.at(-1);
    if (last?.at === at) return last;
    const outdated = seconds.findIndex((second) => second.at > at - FAILED_SECONDS);
    seconds.splice(0, outdated < 0 ? seconds.length : outdated);
    const second = {
      at,
      pulls: 0,
      pulledCount: 0,
      pullMillis: 0,
      consumes: 0,
      consumeMillis: 0,
      okCount: 0,
      failedCount: 0,
    };
    seconds.push(second);
    return second;
  }

  /** How it has been, by topic. */
  statusTable(): Map<string, ConsumeStatus> {
    const now = Math.floor(this.#now() / 1000);
    return new Map([...this.#topics].map(([topic, seconds]) => [topic, statusOf(seconds, now)]));
  }
}

function statusOf(all: readonly Second[], now: number): ConsumeStatus {
  const recent = all.filter(({ at }) => at > now - WINDOW_SECONDS);
  const sum = (of: readonly Second[], field: keyof Second) =>
    of.reduce((total, second) => total + second[field], 0);
  const mean = (total: keyof Second, count: keyof Second) =>
    sum(recent, total) / Math.max(1, sum(recent, count));
  const perSecond = (field: keyof Second) => sum(recent, field) / WINDOW_SECONDS;
  return {
    pullRT: mean("pullMillis", "pulls"),
    pullTPS: perSecond("pulledCount"),
    consumeRT: mean("consumeMillis", "consumes"),
    consumeOKTPS: perSecond("okCount"),
    consumeFailedTPS: perSecond("failedCount"),
    consumeFailedMsgs: sum(all.filter(({ at }) => at > now - FAILED_SECONDS), "failedCount"),
  };
}
