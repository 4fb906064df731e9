/**
 * The address under which others reach a broker: the one it registers, and the one that a client is told.
 *
 * A broker with a fixed host (`--host`) registers that, and everybody is told what it registered. A broker without
 * one registers a guess, which is right for other machines at best; but a client that asks the name server in the
 * broker's own process has just shown an address that works: the one it reached. So it is told that address with
 * the broker's port.
 *
 * Addresses are `host:port`; IPv6 is in brackets. Java splits at the last colon and takes the brackets, Go wants them.
 */

import { joinAddress } from "../setting.ts";

/** What to tell a client about the broker at `brokerAddr`, when the client reached this process at `localHostname`. */
export type Advertise = (brokerAddr: string, localHostname: string) => string;

/** Tells every address as its broker registered it. */
export const asRegistered: Advertise = (brokerAddr) => brokerAddr;

/** Tells clients the address at which they came for those brokers that share this process and have no fixed host. */
export function advertiseReached(localBrokerAddrs: ReadonlySet<string>): Advertise {
  return (brokerAddr, localHostname) => {
    if (!localBrokerAddrs.has(brokerAddr) || !isUsableElsewhere(localHostname)) return brokerAddr;
    return joinAddress(localHostname, Number(brokerAddr.slice(brokerAddr.lastIndexOf(":") + 1)));
  };
}

/** Link-local IPv6 needs the client's own interface beside it, and an unspecified address is nowhere. */
function isUsableElsewhere(hostname: string): boolean {
  return hostname !== "" && hostname !== "0.0.0.0" && hostname !== "::" &&
    !/^fe[89ab].:/i.test(hostname);
}

/** The parts of a network interface that matter here; `Deno.networkInterfaces()` gives them. */
export interface NetworkInterface {
  readonly name: string;
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

/** Interfaces that lead to containers and virtual machines on this computer, not to other computers. */
const VIRTUAL_INTERFACE = /^(docker|br-|veth|virbr|cni|flannel|vmnet|vboxnet)/;

/** The guess for a broker without a fixed host: the first address that other machines may reach, IPv4 before IPv6. */
export function guessHostname(interfaces: readonly NetworkInterface[]): string {
  const outward = interfaces.filter(({ name, address }) =>
    !VIRTUAL_INTERFACE.test(name) && !address.startsWith("127.") && address !== "::1" &&
    !address.startsWith("169.254.") && isUsableElsewhere(address)
  );
  const best = outward.find(({ family }) => family === "IPv4") ?? outward[0];
  return best?.address ?? "127.0.0.1";
}
