import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DASHBOARD_FILES, dashboardFile } from "../../../dashboard/files.ts";
import { loadDashboard } from "../../../server/http/dashboard_files.ts";

const COMPRESSED_BYTES_MAX = 150_000;
const dashboard = await loadDashboard();

function get(path: string, init: RequestInit = {}): Response {
  return dashboard(new Request(`http://localhost${path}`, init))!;
}

Deno.test("the dashboard's page is served for every path but the API's, for reading only", async () => {
  const page = await get("/").text();
  assertStringIncludes(page, '<div id="app">');
  assertEquals(await get("/topics/%25RETRY%25g?tab=queues").text(), page);
  for (const path of ["/api", "/api/topics", "/metrics"]) {
    assertEquals(dashboard(new Request(`http://localhost${path}`)), undefined);
  }
  assertEquals(dashboard(new Request("http://localhost/", { method: "POST" })), undefined);
});

Deno.test("pages allow no script or style that is no file, and no other origin", () => {
  const policy = get("/").headers.get("content-security-policy")!;
  assertStringIncludes(policy, "default-src 'none'");
  assertStringIncludes(policy, "frame-ancestors 'none'");
  assert(!policy.includes("unsafe"));
});

Deno.test("files are kept by their hash; the page is asked for anew and not sent twice", async () => {
  const page = await get("/").text();
  const [, script] = /src="([^"]+)"/.exec(page)!;
  assertStringIncludes(get(script!).headers.get("cache-control")!, "immutable");
  assertEquals(get("/main.js?v=old").headers.get("cache-control"), "no-cache");
  const etag = get("/").headers.get("etag")!;
  assertEquals(get("/").headers.get("cache-control"), "no-cache");
  assertEquals(get("/", { headers: { "if-none-match": `W/${etag}` } }).status, 304);
  assertEquals(get("/", { headers: { "if-none-match": '"other"' } }).status, 200);
});

Deno.test(`all files together are under ${COMPRESSED_BYTES_MAX} bytes, compressed`, async () => {
  let total = 0;
  for (const { name } of DASHBOARD_FILES) {
    const file = new Blob([await Deno.readFile(dashboardFile(name))]).stream();
    const packed = file.pipeThrough(new CompressionStream("gzip"));
    total += (await new Response(packed).bytes()).length;
  }
  assert(total > 0 && total < COMPRESSED_BYTES_MAX, String(total));
});
