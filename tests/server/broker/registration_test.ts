import { assert, assertEquals, assertMatch } from "@std/assert";
import { RemotingClient } from "../../../client/remoting/remoting_client.ts";
import { type DataVersion, nextVersion } from "../../../client/protocol/data_version.ts";
import { createTopicConfig, type TopicConfig } from "../../../client/protocol/topic_config.ts";
import {
  createRegistration,
  type RegistrationOptions,
} from "../../../server/broker/registration.ts";
import { createLog } from "../../../server/log.ts";
import { createNamesrv, type Namesrv } from "../../../server/namesrv/namesrv.ts";

const IDENTITY = {
  clusterName: "C",
  brokerName: "a",
  brokerId: 0,
  brokerAddr: "127.0.0.1:10911",
  haServerAddr: "127.0.0.1:10912",
};

function startNamesrv(port = 0): Promise<Namesrv> {
  return createNamesrv({ hostname: "127.0.0.1", port, log: createLog("error") });
}

/** A port on which nothing listens. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function setup(ports: number[], options: Partial<RegistrationOptions> = {}) {
  const lines: string[] = [];
  let onLine = () => {};
  const table = new Map<string, TopicConfig>();
  let dataVersion: DataVersion = { counter: 0, stateVersion: 0, timestamp: 1 };
  const createTopic = (name: string) => {
    table.set(name, createTopicConfig(name));
    dataVersion = nextVersion(dataVersion, 2);
  };
  createTopic("C");
  createTopic("a");
  const remotingClient = new RemotingClient();
  const registration = createRegistration({
    nameServers: ports.map((port) => `127.0.0.1:${port}`),
    identity: () => IDENTITY,
    topicConfigs: () => ({ dataVersion, table }),
    remotingClient,
    log: createLog("info", (line) => {
      lines.push(line);
      onLine();
    }),
    periodMillis: 60_000,
    ...options,
  });
  return {
    registration,
    remotingClient,
    createTopic,
    lines,
    /** Resolves when a line that matches has been written. */
    logged: (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        onLine = () => lines.some((line) => pattern.test(line)) && resolve();
        onLine();
      }),
    async [Symbol.asyncDispose]() {
      await registration[Symbol.asyncDispose]();
      await remotingClient[Symbol.asyncDispose]();
    },
  };
}

function topicsAt(namesrv: Namesrv): string[] {
  return namesrv.routeTable.topics.topics();
}

Deno.test("start() registers with every name server", async () => {
  await using first = await startNamesrv();
  await using second = await startNamesrv();
  await using broker = setup([first.port, second.port]);
  await broker.registration.start();
  for (const { routeTable } of [first, second]) {
    assertEquals(routeTable.pickupTopicRouteData("C")?.brokerDatas, [{
      brokerAddrs: { "0": "127.0.0.1:10911" },
      brokerName: "a",
      cluster: "C",
      enableActingMaster: false,
    }]);
  }
  assertEquals(broker.lines.filter((line) => line.includes("registered with")).length, 2);
});

Deno.test("start() registers with the others and says so when one name server is down", async () => {
  await using namesrv = await startNamesrv();
  const down = freePort();
  await using broker = setup([down, namesrv.port]);
  await broker.registration.start();
  assertEquals(topicsAt(namesrv), ["C", "a"]);
  assertMatch(broker.lines.join("\n"), new RegExp(`cannot register .*127.0.0.1:${down}`));
});

Deno.test("registerAll() logs a name server that stays down only once", async () => {
  await using broker = setup([freePort()]);
  await broker.registration.start();
  await broker.registration.registerAll();
  await broker.registration.registerAll();
  assertEquals(broker.lines.length, 1);
});

Deno.test("topicsChanged() tells the name server every topic when many come at once", async () => {
  await using namesrv = await startNamesrv();
  await using broker = setup([namesrv.port]);
  await broker.registration.start();
  const names = Array.from({ length: 200 }, (_, index) => `T${index}`);
  await Promise.all(names.map(async (name) => {
    broker.createTopic(name);
    await broker.registration.topicsChanged();
    assert(namesrv.routeTable.pickupTopicRouteData(name), "known once the promise resolves");
  }));
  assertEquals(topicsAt(namesrv).length, 202);
});

Deno.test("topicsChanged() sends one registration for the changes of a turn and one for those after", async () => {
  await using namesrv = await startNamesrv();
  let builtCount = 0;
  await using broker = setup([namesrv.port], {
    identity: () => {
      builtCount++;
      return IDENTITY;
    },
  });
  await broker.registration.start();
  builtCount = 0;
  const first = [broker.registration.topicsChanged(), broker.registration.topicsChanged()];
  await Promise.resolve();
  const later = [broker.registration.topicsChanged(), broker.registration.topicsChanged()];
  await Promise.all([...first, ...later]);
  assert(builtCount <= 2, `${builtCount} registrations`);
});

Deno.test("topicsChanged() waits for no name server that is down", async () => {
  await using broker = setup([freePort()]);
  await broker.registration.start();
  await broker.registration.topicsChanged();
  assertEquals(broker.lines.length, 1);
});

Deno.test("start() registers again when a name server comes back", async () => {
  const port = freePort();
  await using broker = setup([port], { periodMillis: 20 });
  await broker.registration.start();
  const registered = broker.logged(/ registered with a name server/);
  await using namesrv = await startNamesrv(port);
  await registered;
  assertEquals(topicsAt(namesrv), ["C", "a"]);
});

Deno.test("registerAll() closes the connection when the name server does not answer", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using broker = setup([listener.addr.port], { timeoutMillis: 20 });
  const accepted = listener.accept();
  await broker.registration.start();
  using silent = await accepted;
  while (await silent.read(new Uint8Array(1024)) !== null);
  assertMatch(broker.lines[0]!, /cannot register .*No answer/);
});

Deno.test("registerAll() logs the remark when the name server refuses", async () => {
  await using namesrv = await startNamesrv();
  const one = new Map([["only", createTopicConfig("only")]]);
  await using broker = setup([namesrv.port], {
    topicConfigs: () => ({
      dataVersion: { counter: 1, stateVersion: 0, timestamp: 1 },
      table: one,
    }),
  });
  await broker.registration.start();
  assertMatch(broker.lines[0]!, /answered 1: register broker failed/);
});

Deno.test("dispose unregisters the broker", async () => {
  await using namesrv = await startNamesrv();
  {
    await using broker = setup([namesrv.port]);
    await broker.registration.start();
    broker.registration.topicsChanged();
    await broker.registration[Symbol.asyncDispose]();
    assertEquals(topicsAt(namesrv), []);
    await broker.registration.registerAll();
  }
  assertEquals(namesrv.routeTable.clusterInfo(), { brokerAddrTable: {}, clusterAddrTable: {} });
});
