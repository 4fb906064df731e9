/** What follows from the configuration where a setting was left to be derived. */

import type { Config } from "./config.ts";
import { joinAddress, splitAddress } from "./setting.ts";

/** The port that clients with vipChannelEnabled look for, given the port that the broker listens on; 0 if none is left. */
export function fastPort(config: Pick<Config, "fastListenPort">, listenPort: number): number {
  return config.fastListenPort > 0 ? config.fastListenPort : Math.max(listenPort - 2, 0);
}

/** The port for replicas, given the port that the broker listens on. */
export function haPort(config: Pick<Config, "haListenPort">, listenPort: number): number {
  return config.haListenPort > 0 ? config.haListenPort : listenPort + 1;
}

/**
 * The `host:port` to tell others: `configured` (brokerIP1 or brokerIP2), whose own port counts where it has one, else
 * `found`, the address that was found out, with the port `listenPort`.
 */
export function reachableAddress(configured: string, found: string, listenPort: number): string {
  const address = splitAddress(configured === "" ? found : configured);
  return joinAddress(address?.host ?? found, address?.port ?? listenPort);
}

/** How this process reaches what it listens on. */
export function ownHostname(bindAddress: string): string {
  if (bindAddress === "0.0.0.0") return "127.0.0.1";
  return bindAddress === "::" ? "::1" : bindAddress;
}

/** Folders and files under the data folder, by Apache's names. */
export interface StorePaths {
  readonly root: string;
  readonly commitLog: string;
  readonly consumeQueue: string;
  readonly index: string;
  readonly config: string;
  readonly checkpoint: string;
  readonly abort: string;
  readonly lock: string;
  readonly kvConfig: string;
}

/** Where everything lies on the disk. */
export function storePaths(
  config: Pick<Config, "storePathRootDir" | "storePathCommitLog" | "kvConfigPath">,
): StorePaths {
  const root = config.storePathRootDir.replace(/\/+$/, "");
  return {
    root: root || "/",
    commitLog: config.storePathCommitLog || `${root}/commitlog`,
    consumeQueue: `${root}/consumequeue`,
    index: `${root}/index`,
    config: `${root}/config`,
    checkpoint: `${root}/checkpoint`,
    abort: `${root}/abort`,
    lock: `${root}/lock`,
    kvConfig: config.kvConfigPath || `${root}/namesrv/kvConfig.json`,
  };
}
