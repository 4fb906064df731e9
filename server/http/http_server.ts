/** The HTTP port: health, and the app with everything else, which is loaded when it is first asked for. */

import { AdminClient } from "../../client/admin/admin_client.ts";
import type { Config } from "../config.ts";
import { takePort } from "../listen.ts";
import type { Log } from "../log.ts";
import type { MetricRegistry } from "../metrics/metric.ts";
import { metricsResponse } from "../metrics/metrics_response.ts";
import { loadDashboard } from "./dashboard_files.ts";

export interface HttpServerOptions {
  config: Config;
  /** Of the cluster that is shown, "host:port". */
  nameServers: readonly string[];
  version: string;
  /** What /metrics shows. */
  metrics: MetricRegistry;
  log: Log;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
}

/** How long requests that are under way may take when the server stops. */
const STOP_MILLIS = 1_000;

type Handler = (
  request: Request,
  bindings: { remoteAddr: Deno.Addr },
) => Response | Promise<Response>;

/** Listens. @throws when the port is taken. */
export function startHttpServer(options: HttpServerOptions): HttpServer {
  const { bindAddress: hostname, httpPort: port } = options.config;
  const { nameServers } = options;
  const admin = new AdminClient({ nameServers });
  const stop = new AbortController();
  let app: Promise<Handler> | undefined;
  const handle = async (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/healthz") return new Response("ok\n");
    if (pathname === "/metrics") return await metricsResponse(options.metrics, request);
    // A broker that nobody looks at has 15 MB less, and is ready 50 ms earlier.
    app ??= loadApp(options, admin, stop.signal);
    return (await app)(request, { remoteAddr: info.remoteAddr });
  };
  const server = takePort(
    hostname,
    port,
    "--http-port",
    () => Deno.serve({ hostname, port, onListen: () => {} }, handle),
  );
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      stop.abort();
      const timer = AbortSignal.timeout(STOP_MILLIS);
      const late = new Promise((resolve) => timer.addEventListener("abort", resolve));
      await Promise.race([server.shutdown(), late]);
      await admin[Symbol.asyncDispose]();
    },
  };
}

async function loadApp(
  options: HttpServerOptions,
  admin: AdminClient,
  stopped: AbortSignal,
): Promise<Handler> {
  const { config, version, log } = options;
  const { createApi } = await import("./api.ts");
  const httpAllowedHosts = config.httpAllowedHosts.split(";").map((host) => host.trim());
  const settings = { httpWriteAccess: config.httpWriteAccess, httpAllowedHosts };
  const api = createApi({ admin, log, version, settings, stopped });
  const dashboard = await loadDashboard();
  return (request, bindings) => dashboard(request) ?? api.fetch(request, bindings);
}
