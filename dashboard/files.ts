/** The files that `deno task bundle` makes, which the HTTP server gives to browsers. */

export const DASHBOARD_FILES = [
  { name: "index.html", contentType: "text/html; charset=utf-8" },
  { name: "main.js", contentType: "text/javascript; charset=utf-8" },
  { name: "style.css", contentType: "text/css; charset=utf-8" },
  { name: "icon.svg", contentType: "image/svg+xml" },
] as const;

/** Where a file lies, in the source tree and in the compiled binary alike. */
export function dashboardFile(name: string): URL {
  return new URL(`./dist/${name}`, import.meta.url);
}
