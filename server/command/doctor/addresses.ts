/** Whether clients reach the brokers at the addresses that name servers tell, and whether the clocks agree. */

import { AdminClient, type BrokerAddress } from "../../../client/admin/admin_client.ts";
import { brokerRuntimeInfo } from "../../../client/admin/cluster.ts";
import type { Role } from "../../command_line.ts";
import type { Config } from "../../config.ts";
import { ownHostname, reachableAddress } from "../../config_derived.ts";
import { guessHostname } from "../../namesrv/advertised_address.ts";
import { joinAddress, splitAddress } from "../../setting.ts";
import { fail, type Finding, ok, reasonOf, warn } from "./finding.ts";

const TIMEOUT_MILLIS = 3_000;
const CLOCK_TOLERANCE_MILLIS = 3_000;
const HOST_ADVICE = "say with --host NAME_OR_ADDRESS what clients can reach";

/** Asks name servers who the brokers are, and dials each broker at the address that clients are told. */
export async function clusterFindings(
  role: Role,
  config: Config,
  isRunning: boolean,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { address, from } of nameServersToAsk(role, config, isRunning)) {
    await using admin = new AdminClient({ nameServers: [address], timeoutMillis: TIMEOUT_MILLIS });
    const name = `name server ${address}`;
    try {
      const started = performance.now();
      const brokers = await admin.brokers();
      const millis = (performance.now() - started).toFixed(1);
      const count = brokers.length === 1 ? "1 broker" : `${brokers.length} brokers`;
      findings.push(ok(name, `knows ${count}, asked ${from} in ${millis} ms`));
      for (const broker of brokers) findings.push(...await dial(admin, broker, from));
    } catch (error) {
      const advice = "start it, let its port through the firewall, or correct --namesrv";
      findings.push(fail(name, reasonOf(error), advice));
    }
  }
  return findings;
}

interface NameServer {
  address: string;
  /** The way that a client of this kind takes. */
  from: string;
}

function nameServersToAsk(role: Role, config: Config, isRunning: boolean): NameServer[] {
  const configured = config.namesrvAddr.split(";").filter((address) => address !== "")
    .map((address) => ({ address, from: "as --namesrv says" }));
  const hasOwn = role === "serve" || role === "namesrv";
  if (!isRunning || !hasOwn) return configured;
  const own = joinAddress(ownHostname(config.bindAddress), config.namesrvPort);
  const outside = joinAddress(guessHostname(Deno.networkInterfaces()), config.namesrvPort);
  const seen: NameServer[] = [{ address: own, from: "from this machine" }];
  // Who comes to another address of this machine may be told another address of the broker.
  if (config.bindAddress === "0.0.0.0" && outside !== own) {
    seen.push({ address: outside, from: "as other machines do" });
  }
  return [...seen, ...configured];
}

async function dial(admin: AdminClient, broker: BrokerAddress, from: string): Promise<Finding[]> {
  const { brokerAddr, brokerName, brokerId } = broker;
  const name = brokerId === 0 ? `broker ${brokerName}` : `broker ${brokerName}, id ${brokerId}`;
  try {
    const started = Date.now();
    const figures = await brokerRuntimeInfo(admin, brokerAddr);
    const took = Date.now() - started;
    const detail = `answers at ${brokerAddr}, which clients are told that ask ${from}`;
    return [ok(name, detail), ...brokerClock(name, figures, started + took / 2)];
  } catch (error) {
    const detail = `clients are told ${brokerAddr}, where it does not answer: ${reasonOf(error)}`;
    return [fail(name, detail, HOST_ADVICE)];
  }
}

/** A broker's clock, to the second, from when it was started and how long it has run since. */
function brokerClock(name: string, figures: Record<string, string>, now: number): Finding[] {
  const running = /(\d+) days, (\d+) hours, (\d+) minutes, (\d+) seconds/.exec(
    figures["runtime"] ?? "",
  );
  const started = Number(figures["bootTimestamp"]);
  if (running === null || !(started > 0)) return [];
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = running.slice(1).map(Number);
  const ran = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
  // The seconds are cut off, so that half of one is missing on average.
  const skew = started + ran + 500 - now;
  const title = `clock of ${name}`;
  if (Math.abs(skew) <= CLOCK_TOLERANCE_MILLIS) return [ok(title, "agrees with this machine's")];
  const detail = `differs from this machine's by ${(skew / 1000).toFixed(0)} s`;
  return [warn(title, detail, "run NTP on both; delayed messages and queries by time go by it")];
}

/**
 * What clients would be told by a broker that does not run yet: whether this machine is found there. Listens on the
 * broker's port for a moment.
 */
export async function advertisedFinding(config: Config): Promise<Finding> {
  const name = "advertised address";
  const guess = guessHostname(Deno.networkInterfaces());
  const address = reachableAddress(config.brokerIP1, guess, config.listenPort);
  const { host, port } = splitAddress(address)!;
  const told = config.brokerIP1 === "" ? `${address}, a guess` : address;
  if (port === 0) return ok(name, "known when the broker has its port");
  const reached = await reachesItself(config, { hostname: host, port: port ?? config.listenPort });
  if (reached === "yes") return ok(name, `${told}, leads to this machine`);
  if (reached === "other") {
    return warn(name, `at ${told}, something else answers`, HOST_ADVICE);
  }
  const detail = `${told}, cannot be reached from here: ${reached}`;
  return /lookup|resolve|dns/i.test(reached)
    ? fail(name, detail, "correct --host or the name's entry in DNS")
    : warn(name, detail, `${HOST_ADVICE}; behind a port mapping this may be right all the same`);
}

/** "yes", "other" when somebody else answers, or the reason why nobody does. */
async function reachesItself(config: Config, target: Deno.ConnectOptions): Promise<string> {
  using listener = Deno.listen({ hostname: config.bindAddress, port: config.listenPort });
  const token = crypto.getRandomValues(new Uint8Array(16));
  const greet = async () => {
    for await (const connection of listener) {
      await connection.write(token);
      connection.close();
    }
  };
  // It ends when the listener closes.
  greet().catch(() => {});
  try {
    using connection = await Deno.connect({ ...target, signal: AbortSignal.timeout(2_000) });
    const answer = new Uint8Array(token.length);
    const late = setTimeout(() => connection.close(), 2_000);
    const count = await connection.read(answer).catch(() => null);
    clearTimeout(late);
    return count === token.length && answer.every((byte, at) => byte === token[at])
      ? "yes"
      : "other";
  } catch (error) {
    return reasonOf(error);
  }
}
