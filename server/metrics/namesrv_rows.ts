/** What Comet tells of a name server; Apache's tells nothing. */

import type { RouteTable } from "../namesrv/route_table.ts";
import type { Metric } from "./metric.ts";
import { requestLabel, responseLabel, RpcFlag, type RpcLatency } from "./rpc_latency.ts";
import { gauge } from "./rows.ts";

export interface NamesrvSource {
  routeTable: Pick<RouteTable, "counts">;
  rpc: RpcLatency;
  readonly connectionCount: number;
}

export const NAMESRV_ROWS: readonly Metric<NamesrvSource>[] = [
  gauge("comet_namesrv_topics", {
    help: "Topics with a route",
    of: ({ routeTable }) => routeTable.counts.topics,
  }),
  gauge("comet_namesrv_brokers", {
    help: "Brokers that are registered and have not gone silent",
    of: ({ routeTable }) => routeTable.counts.brokers,
  }),
  gauge("comet_namesrv_connections", {
    help: "Connections of clients, brokers and tools to the name server",
    of: ({ connectionCount }) => connectionCount,
  }),
  {
    name: "comet_namesrv_rpc_latency",
    kind: "histogram",
    unit: "milliseconds",
    help: "How long the name server's requests took until they were answered",
    labels: ["request_code", "response_code", "result"],
    *collect({ rpc }) {
      for (const { requestCode, responseCode, flags, latency } of rpc) {
        const result = (flags & RpcFlag.ONEWAY) === 0 ? "success" : "oneway";
        yield [latency, [requestLabel(requestCode), responseLabel(responseCode), result]];
      }
    },
  },
];
