/** One process with the parts that its role has. */

import type { Role } from "./command_line.ts";
import type { Config } from "./config.ts";
import { haPort, ownHostname, reachableAddress, storePaths } from "./config_derived.ts";
import { startHttpServer } from "./http/http_server.ts";
import type { Log } from "./log.ts";
import { joinAddress, splitAddress } from "./setting.ts";
import { createBroker } from "./broker/broker.ts";
import type { MetricSources } from "./metrics/registry.ts";
import { startMetrics } from "./metrics/start_metrics.ts";
import { advertiseReached, asRegistered, guessHostname } from "./namesrv/advertised_address.ts";
import { createNamesrv } from "./namesrv/namesrv.ts";

export interface Server extends AsyncDisposable {
  /** What people see when it has started. */
  banner: string;
}

/**
 * Starts the parts of a role: namesrv; broker; serve, which is both; or dashboard, which is neither. All have an HTTP
 * port with /healthz, the API and the dashboard.
 * @throws when a port is taken, the data folder cannot be used, or what is in it is damaged.
 */
export async function startServer(
  role: Role,
  config: Config,
  version: string,
  log: Log,
): Promise<Server> {
  await using stack = new AsyncDisposableStack();
  const lines: string[] = [];
  // The address that is told is known once the broker listens; the name server asks for it with each answer.
  const localBrokerAddrs = new Set<string>();
  const nameServers = config.namesrvAddr.split(";").filter((address) => address !== "");
  const measured: Pick<MetricSources, "broker" | "namesrv"> = {};
  if (role === "serve" || role === "namesrv") {
    const namesrv = stack.use(
      await createNamesrv({
        hostname: config.bindAddress,
        port: config.namesrvPort,
        kvConfigPath: storePaths(config).kvConfig,
        advertise: config.brokerIP1 === "" ? advertiseReached(localBrokerAddrs) : asRegistered,
        settings: config,
        log: log.scope("namesrv"),
      }),
    );
    measured.namesrv = namesrv;
    const own = joinAddress(ownHostname(config.bindAddress), namesrv.port);
    if (!nameServers.includes(own)) nameServers.unshift(own);
    lines.push(`  name server  ${config.bindAddress}:${namesrv.port}`);
  }
  if (role === "serve" || role === "broker") {
    const broker = stack.use(await createBroker(config, { log: log.scope("broker") }));
    measured.broker = broker.metrics;
    const host = guessHostname(Deno.networkInterfaces());
    const brokerAddr = reachableAddress(config.brokerIP1, host, broker.port);
    const told = splitAddress(brokerAddr)?.host ?? host;
    localBrokerAddrs.add(brokerAddr);
    await broker.register({
      nameServers,
      brokerAddr,
      storeHost: { hostname: host, port: broker.port },
      haServerAddr: reachableAddress(config.brokerIP2, told, haPort(config, broker.port)),
    });
    const second = broker.fastPort === undefined ? "" : `, second port ${broker.fastPort}`;
    lines.push(
      `  broker       ${config.bindAddress}:${broker.port} (${config.brokerName}${second})`,
      `  clients get  ${toldAddress(role, config, brokerAddr)}`,
      `  data         ${config.storePathRootDir} (${config.flushDiskType})`,
    );
  }
  const metrics = stack.use(
    await startMetrics({
      config,
      version,
      ...measured,
      environment: Deno.env.toObject(),
      log: log.scope("metrics"),
    }),
  );
  const http = stack.use(
    startHttpServer({
      config,
      nameServers,
      version,
      metrics: metrics.registry,
      log: log.scope("http"),
    }),
  );
  const local = `http://${joinAddress(ownHostname(config.bindAddress), http.port)}`;
  const writers = config.httpWriteAccess === "anyone" ? "anyone" : "this machine only";
  lines.push(
    `  dashboard    ${local}/ (changes from ${writers})`,
    `  metrics      ${local}/metrics${
      metrics.promPort === undefined ? "" : ` and at port ${metrics.promPort}`
    }`,
    `  health       ${local}/healthz`,
  );
  const parts = stack.move();
  return {
    banner: `\nComet is ready.\n${lines.join("\n")}\n\n`,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** What the banner says of the address that clients are told. Only the name server in this process sees how they came. */
function toldAddress(role: Role, config: Config, brokerAddr: string): string {
  if (config.brokerIP1 !== "") return brokerAddr;
  if (role === "broker") return `${brokerAddr} (a guess; --host says another)`;
  const guess = config.namesrvAddr === "" ? "" : `; from other name servers ${brokerAddr}, a guess`;
  return `the address they came to${guess} (--host says another)`;
}
