/**
 * A data folder goes from server to server and back. Each server is asked all about it before it ends, and the next one
 * the same when it has opened the folder; then that one adds messages of its own.
 */

import { startComet } from "../helpers/comet.ts";
import {
  type ApacheProcess,
  type ApacheSettings,
  startApacheBroker,
  startApacheNamesrv,
} from "./apache_server.ts";
import {
  checkByMqadmin,
  checkLocked,
  checkOpened,
  checkSettled,
  type FolderState,
  logComplaints,
} from "./folder_checks.ts";
import { ask } from "./folder_questions.ts";
import { DELAY_LEVELS, Ledger, write } from "./folder_workload.ts";

/** One server on the way, and how it ends. */
export interface Stop {
  server: "Apache" | "Comet";
  end: "stop" | "kill";
  /** Of Apache: its own tool looks at the messages too, and Comet must not open the folder meanwhile. */
  isSeenByOthers?: boolean;
}

export interface Journey {
  name: string;
  /** Of both servers. */
  settings: ApacheSettings;
  stops: readonly Stop[];
}

/** So small that there are several files of every kind. */
const SMALL_FILES: ApacheSettings = {
  mappedFileSizeCommitLog: 65_536,
  mappedFileSizeConsumeQueue: 320,
  maxHashSlotNum: 64,
  maxIndexNum: 64,
};

export const JOURNEYS: readonly Journey[] = [
  {
    name: "small files",
    settings: SMALL_FILES,
    stops: [
      { server: "Apache", end: "stop" },
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "kill" },
      { server: "Comet", end: "kill" },
      { server: "Apache", end: "kill" },
    ],
  },
  {
    name: "default files",
    settings: {},
    stops: [
      { server: "Comet", end: "stop" },
      { server: "Apache", end: "kill" },
      { server: "Comet", end: "kill" },
      { server: "Apache", end: "stop", isSeenByOthers: true },
      { server: "Comet", end: "stop" },
    ],
  },
];

/** What the moves are called, one fewer than there are stops. */
export function moveNames({ name, stops }: Journey): string[] {
  return stops.slice(1).map(({ server }, index) => {
    const before = stops[index]!;
    const ending = before.end === "stop" ? "stops" : "is killed";
    return `folder, ${name}: ${index + 1}. ${before.server} ${ending}, ${server} opens`;
  });
}

/** How a move went; no failures are good. */
export interface Move {
  name: string;
  seconds: number;
  failures: string[];
}

/** Goes the whole way; gives each move as it is done. After one that fails altogether there are no more. */
export async function* travel(journey: Journey, folder: string): AsyncGenerator<Move> {
  await using namesrv = await startApacheNamesrv(`${folder}/namesrv`);
  const state: FolderState = {
    ledger: new Ledger(),
    answers: new Map(),
    endedBy: "stop",
    wasKilled: false,
  };
  for (let index = 0; index < journey.stops.length; index++) {
    const started = performance.now();
    const failures: string[] = [];
    try {
      await visit(journey, index, { folder, namesrv }, state, failures);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
      if (index === 0) throw error;
      return yield move(journey, index, started, failures);
    }
    if (index > 0) yield move(journey, index, started, failures);
  }
}

function move(journey: Journey, index: number, started: number, failures: string[]): Move {
  const seconds = (performance.now() - started) / 1000;
  return { name: moveNames(journey)[index - 1]!, seconds, failures };
}

interface Surroundings {
  folder: string;
  namesrv: ApacheProcess;
}

/** Starts a server over the folder, compares, adds messages, ends it. */
async function visit(
  { stops, settings }: Journey,
  index: number,
  { folder, namesrv }: Surroundings,
  state: FolderState,
  failures: string[],
): Promise<void> {
  const { server, end, isSeenByOthers } = stops[index]!;
  const startedTimestamp = Date.now();
  const home = `${folder}/${index}-${server}`;
  await using running = await START[server]({
    data: `${folder}/store`,
    home,
    namesrv: namesrv.address,
    settings: { messageDelayLevel: DELAY_LEVELS.text, bindAddress: "::", ...settings },
  });
  const { port } = running;
  const { endedBy } = state;
  if (index > 0) failures.push(...await checkOpened(port, state));
  await write(port, state.ledger, `s${index}`);
  failures.push(...await checkSettled(port, state, startedTimestamp));
  if (isSeenByOthers) {
    failures.push(...await checkByMqadmin(namesrv.address, home, state.ledger));
    failures.push(...await checkLocked(`${folder}/store`));
  }
  state.answers = await ask(port);
  state.endedBy = end;
  state.wasKilled ||= end === "kill";
  await running[end]();
  if (server === "Apache") {
    failures.push(...await logComplaints(`${home}/logs/rocketmqlogs`, endedBy));
  }
}

interface Running extends AsyncDisposable {
  port: number;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

interface StartOptions {
  data: string;
  home: string;
  namesrv: string;
  settings: ApacheSettings;
}

/** Starts a server over a data folder. */
export const START: Record<Stop["server"], (options: StartOptions) => Promise<Running>> = {
  Apache: startApacheBroker,
  async Comet({ data, settings }) {
    const flags = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
    const comet = await startComet(data, flags);
    return {
      port: comet.brokerPort,
      async stop() {
        const code = await comet.stop();
        if (code !== 0) throw new Error(`Comet ended with code ${code}: ${await comet.log}`);
      },
      kill: () => comet.kill(),
      [Symbol.asyncDispose]: () => comet[Symbol.asyncDispose](),
    };
  },
};
