/** The API's document and its page for people. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { Hono, type Schema } from "hono";
import { type ApiDocument, DOCS_STYLE, docsPage } from "./docs_page.ts";
import type { HttpEnv } from "./guard.ts";

/** What a page of the reference may do: show itself. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `/openapi.json`, `/docs` and its stylesheet; the document has what is in `api` when it is first asked for. */
export function docsApi<S extends Schema>(
  api: OpenAPIHono<HttpEnv, S, string>,
  version: string,
  base: string,
) {
  const document = once(() =>
    api.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Comet",
        version,
        description: "Topics, groups and messages of a RocketMQ cluster over HTTP.",
      },
      servers: [{ url: base }],
    })
  );
  const page = once(() => docsPage(document() as ApiDocument, base));
  return new Hono<HttpEnv>()
    .get("/openapi.json", (c) => c.json(document()))
    .get("/docs.css", (c) => c.body(DOCS_STYLE, 200, { "content-type": "text/css" }))
    .get("/docs", async (c) => {
      c.header("content-security-policy", CONTENT_SECURITY_POLICY);
      return c.html(await page());
    });
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
