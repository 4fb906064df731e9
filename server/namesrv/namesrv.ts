/** A name server, put together. */

import { FRAME_LENGTH_MAX } from "../../client/protocol/frame.ts";
import { unservedRemark } from "../../client/protocol/request_state.ts";
import { Dispatcher } from "../dispatcher.ts";
import type { Log } from "../log.ts";
import { RpcLatency } from "../metrics/rpc_latency.ts";
import { printProperties } from "../properties.ts";
import { RemotingServer } from "../remoting_server.ts";
import { type Advertise, asRegistered } from "./advertised_address.ts";
import { KvConfig } from "./kv_config.ts";
import { RouteTable } from "./route_table.ts";
import { RouteView } from "./route_view.ts";
import { namesrvRoutes } from "./routes.ts";
import { type NamesrvSettings, pickNamesrvSettings } from "./settings.ts";

export interface NamesrvOptions {
  /** Where to listen. */
  hostname: string;
  /** 0 takes a free port. */
  port: number;
  /** Where the KV config is kept; without it, it lives in memory only. */
  kvConfigPath?: string;
  /** Which address a client is told for a broker. */
  advertise?: Advertise;
  /** Other settings may be among them. */
  settings?: Partial<NamesrvSettings>;
  log: Log;
  now?: () => number;
}

export interface Namesrv extends AsyncDisposable {
  readonly port: number;
  readonly rpc: RpcLatency;
  readonly connectionCount: number;
  readonly routeTable: RouteTable;
  readonly kvConfig: KvConfig;
  /** Forgets brokers that have been silent for too long; done every `scanNotActiveBrokerInterval` by itself. */
  scanNotActiveBroker(): void;
}

/**
 * Starts a name server.
 * @throws when the port is taken or the KV config cannot be read.
 */
export async function createNamesrv(options: NamesrvOptions): Promise<Namesrv> {
  const { log, now = Date.now } = options;
  const settings = pickNamesrvSettings(options.settings);
  const kvConfig = await KvConfig.load(options.kvConfigPath, log);
  const routeTable = new RouteTable({
    now,
    deleteTopicWithBrokerRegistration: settings.deleteTopicWithBrokerRegistration,
    supportActingMaster: settings.supportActingMaster,
  });
  const readyAt = settings.needWaitForService ? now() + settings.waitSecondsForService * 1_000 : 0;
  const routes = namesrvRoutes({
    routeTable,
    routeView: new RouteView(routeTable, options.advertise ?? asRegistered),
    kvConfig,
    settings,
    printSettings: () => {
      const rows = Object.entries({
        ...settings,
        bindAddress: options.hostname,
        kvConfigPath: options.kvConfigPath ?? "",
        listenPort: server.port,
      });
      return printProperties(rows.map(([name, value]) => [name, String(value)] as const).sort());
    },
    isReady: () => now() >= readyAt,
    log,
  });
  const rpc = new RpcLatency();
  const remark = (code: number) => unservedRemark(code, "name server");
  const dispatcher = new Dispatcher(routes, log, remark, rpc);
  const server = new RemotingServer({
    hostname: options.hostname,
    port: options.port,
    onRequest: (request, connection) => dispatcher.dispatch(request, connection),
    onClose: (connection) => {
      for (const broker of routeTable.unregisterConnection(connection)) {
        log.warn("a broker's connection ended", { ...broker });
      }
    },
    frameLengthMax: FRAME_LENGTH_MAX,
    idleMillisMax: settings.serverChannelMaxIdleTimeSeconds * 1_000,
    log,
  });
  const scanNotActiveBroker = () => {
    for (const broker of routeTable.expireBrokers()) {
      log.warn("a broker has been silent for too long", { ...broker });
    }
  };
  const scan = setInterval(scanNotActiveBroker, settings.scanNotActiveBrokerInterval);
  return {
    port: server.port,
    rpc,
    get connectionCount() {
      return server.connections.size;
    },
    routeTable,
    kvConfig,
    scanNotActiveBroker,
    async [Symbol.asyncDispose]() {
      clearInterval(scan);
      await server[Symbol.asyncDispose]();
    },
  };
}
