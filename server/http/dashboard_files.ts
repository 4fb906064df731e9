/** The dashboard's files: one page for every path, and what it is made of. */

import { toHex } from "../../client/protocol/bytes.ts";
import { DASHBOARD_FILES, dashboardFile } from "../../dashboard/files.ts";

/** Nothing comes from elsewhere, nothing in a page runs that is no file of ours, and nobody frames it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
};
const IMMUTABLE = "public, max-age=31536000, immutable";

interface BuiltFile {
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly hash: string;
}

/** Answers what is no call of the API; undefined for what is none of the dashboard's. */
export type Dashboard = (request: Request) => Response | undefined;

/** Reads the files once; without them (nobody has bundled) every page says how to make them. */
export async function loadDashboard(): Promise<Dashboard> {
  const files = await readFiles();
  return (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    if (/^\/(api|metrics)(\/|$)/.test(pathname)) return undefined;
    if (files === undefined) return new Response(NOT_BUNDLED, { status: 503 });
    const name = pathname.slice(1);
    const file = files.get(name === "" ? "index.html" : name) ?? files.get("index.html")!;
    return answerFile(request, file, searchParams.get("v") === file.hash);
  };
}

const NOT_BUNDLED = "The dashboard's files are not there; make them with: deno task bundle\n";

function answerFile(request: Request, file: BuiltFile, isVersioned: boolean): Response {
  const { bytes, contentType, hash } = file;
  const etag = `"${hash}"`;
  const headers = {
    ...HEADERS,
    etag,
    "content-type": contentType,
    "cache-control": isVersioned ? IMMUTABLE : "no-cache",
  };
  // What is compressed on its way has a weak tag.
  const known = request.headers.get("if-none-match")?.replaceAll("W/", "").split(/,\s*/);
  if (known?.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(request.method === "HEAD" ? null : bytes, { headers });
}

async function readFiles(): Promise<Map<string, BuiltFile> | undefined> {
  const files = new Map<string, BuiltFile>();
  try {
    for (const { name, contentType } of DASHBOARD_FILES) {
      const bytes = await Deno.readFile(dashboardFile(name));
      files.set(name, { contentType, bytes, hash: await hashOf(bytes) });
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return await linkByHash(files);
}

/** The page names the other files with their hashes, so that browsers need not ask for them again. */
async function linkByHash(files: Map<string, BuiltFile>): Promise<Map<string, BuiltFile>> {
  const page = files.get("index.html")!;
  const text = new TextDecoder().decode(page.bytes).replace(
    /(?<=(?:src|href)=")\/([\w.]+)(?=")/g,
    (path, name) => files.has(name) ? `${path}?v=${files.get(name)!.hash}` : path,
  );
  const bytes = new TextEncoder().encode(text);
  return files.set("index.html", { ...page, bytes, hash: await hashOf(bytes) });
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return toHex(digest.subarray(0, 8));
}
