/** The route table as one client sees it: with the broker addresses that work for this client. */

import type { Connection } from "../../client/remoting/connection.ts";
import type {
  BrokerData,
  BrokerMemberGroup,
  ClusterInfo,
  TopicList,
  TopicRouteData,
} from "../../client/protocol/route_data.ts";
import type { Advertise } from "./advertised_address.ts";
import type { RouteTable } from "./route_table.ts";

/** The part of a connection that decides what its client is told. */
type Viewer = Pick<Connection, "local">;
type AddressOf = (brokerAddr: string) => string;

export class RouteView {
  readonly #routeTable: RouteTable;
  readonly #advertise: Advertise;

  constructor(routeTable: RouteTable, advertise: Advertise) {
    this.#routeTable = routeTable;
    this.#advertise = advertise;
  }

  topicRouteData(topic: string, viewer: Viewer): TopicRouteData | undefined {
    const routeData = this.#routeTable.pickupTopicRouteData(topic);
    if (routeData === undefined) return undefined;
    const addressOf = this.#addressesFor(viewer);
    const filterServers = Object.entries(routeData.filterServerTable);
    return {
      ...routeData,
      brokerDatas: routeData.brokerDatas.map((data) => withAddresses(data, addressOf)),
      filterServerTable: Object.fromEntries(
        filterServers.map(([brokerAddr, servers]) => [addressOf(brokerAddr), servers]),
      ),
    };
  }

  clusterInfo(viewer: Viewer): ClusterInfo {
    const info = this.#routeTable.clusterInfo();
    const addressOf = this.#addressesFor(viewer);
    const brokers = Object.entries(info.brokerAddrTable);
    return {
      ...info,
      brokerAddrTable: Object.fromEntries(
        brokers.map(([name, data]): [string, BrokerData] => [name, withAddresses(data, addressOf)]),
      ),
    };
  }

  brokerMemberGroup(cluster: string, brokerName: string, viewer: Viewer): BrokerMemberGroup {
    const members = this.#routeTable.brokerMemberGroup(cluster, brokerName);
    return withAddresses(members, this.#addressesFor(viewer));
  }

  systemTopicList(viewer: Viewer): TopicList {
    const list = this.#routeTable.systemTopicList();
    if (list.brokerAddr === undefined) return list;
    return { ...list, brokerAddr: this.#addressesFor(viewer)(list.brokerAddr) };
  }

  /** The master that a registering slave is told. */
  masterOf(
    master: { masterAddr?: string | undefined; haServerAddr?: string | undefined },
    viewer: Viewer,
  ): { masterAddr?: string; haServerAddr?: string } {
    const { masterAddr, haServerAddr } = master;
    const addressOf = this.#addressesFor(viewer);
    return {
      ...(masterAddr === undefined ? {} : { masterAddr: addressOf(masterAddr) }),
      ...(haServerAddr === undefined ? {} : { haServerAddr: addressOf(haServerAddr) }),
    };
  }

  #addressesFor({ local }: Viewer): AddressOf {
    return (brokerAddr) => this.#advertise(brokerAddr, local.hostname);
  }
}

function withAddresses<T extends { brokerAddrs: Readonly<Record<string, string>> }>(
  data: T,
  addressOf: AddressOf,
): T {
  const addresses = Object.entries(data.brokerAddrs);
  return {
    ...data,
    brokerAddrs: Object.fromEntries(addresses.map(([id, address]) => [id, addressOf(address)])),
  };
}
