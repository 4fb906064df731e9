/**
 * Who may call the API while nobody has to log in: changes come from this machine only, unless the operator says
 * otherwise, and never from another site's page in somebody's browser.
 */

import { createMiddleware } from "hono/factory";
import { problem } from "./problem.ts";

export interface GuardSettings {
  /** "loopback": changes only from this machine; "anyone": from wherever the port can be reached. */
  httpWriteAccess: "loopback" | "anyone";
  /** Names by which browsers may reach the API, beside addresses and localhost; "*" for any. */
  httpAllowedHosts: readonly string[];
}

/** What Deno.serve says about a request. */
export interface HttpEnv {
  Bindings: { remoteAddr: Deno.Addr };
}

const READ_METHODS = ["GET", "HEAD", "OPTIONS"];

/** Refuses with 403 or 421 what may not pass. */
export function guard(settings: GuardSettings) {
  return createMiddleware<HttpEnv>(async ({ req, env }, next) => {
    const host = req.header("host") ?? "";
    // A page whose name points to this machine (DNS rebinding) sends its own name.
    if (!isOwnName(hostnameOf(host), settings.httpAllowedHosts)) {
      throw problem(421, `${host} is no name of this server; allow it with httpAllowedHosts`);
    }
    const isRead = READ_METHODS.includes(req.method);
    const isUpgrade = req.header("upgrade") !== undefined;
    const origin = req.header("origin");
    if ((!isRead || isUpgrade) && origin !== undefined && hostOf(origin) !== host) {
      throw problem(403, `A page of ${origin} may not call this API`);
    }
    if (!isRead && settings.httpWriteAccess === "loopback" && !isLoopback(env.remoteAddr)) {
      throw problem(
        403,
        "Changes are taken from this machine only; start Comet with --http-write anyone to take them from others",
      );
    }
    await next();
  });
}

/** Whether a request came from this machine. */
export function isLoopback(address: Deno.Addr): boolean {
  if (!("hostname" in address)) return true;
  return /^(127\.|::1$|::ffff:127\.)/.test(address.hostname);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function hostnameOf(host: string): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";
}

function isOwnName(hostname: string, allowed: readonly string[]): boolean {
  if (hostname === "localhost" || hostname.startsWith("[")) return true;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) return true;
  return allowed.includes("*") || allowed.includes(hostname);
}
