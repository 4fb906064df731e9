import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../client/protocol/bytes.ts";
import { TestClient } from "../helpers/comet.ts";
import { startWithApi } from "../helpers/http_api.ts";
import { type JsonSchema, mistakesOf, ValueMaker, WRONG_VALUES } from "../helpers/json_schema.ts";
import { seededRandom } from "../helpers/random.ts";

/** Requests for each operation of the document. */
const ROUNDS = Number(Deno.env.get("COMET_FUZZ_ROUNDS") ?? 12);
const METHODS = ["get", "post", "put", "patch", "delete"];
/** An answer may go on for ever, as a stream does: it is looked at for so long. */
const ANSWER_MILLIS = 2_000;
/** Settings and write permission may rightly keep the broker from taking anything: they come last. */
const COMES_LAST = /\/config$|\/write-perm$|\/definitions$/;

/** What is there, so that not everything is answered with 404. */
const WORDS = {
  topic: ["Known", "Other", "%RETRY%Members", "TBW102", "rmq_sys_wheel_timer"],
  group: ["Members", "Nobody", "TOOLS_CONSUMER"],
  destGroup: ["Members", "Nobody"],
  name: ["broker-a"],
  brokerName: ["broker-a"],
  brokerNames: ["broker-a"],
  clusterName: ["DefaultCluster"],
  namespace: ["ORDER_TOPIC_CONFIG"],
  key: ["Known", "key"],
  sql: ["a = 1", "TAGS IS NOT NULL", "a >"],
  tag: ["TagA", "TagA || TagB", "*"],
};

interface Operation {
  method: string;
  path: string;
  parameters: { name: string; in: string; required?: boolean; schema: JsonSchema }[];
  body: JsonSchema | undefined;
  responses: Record<string, { content?: Record<string, { schema?: JsonSchema }> }>;
}

interface Document {
  paths: Record<string, Record<string, Record<string, unknown>>>;
  components: { schemas: Record<string, JsonSchema> };
}

function operationsOf({ paths }: Document): Operation[] {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method] !== undefined).map((method) => {
      const { parameters = [], requestBody, responses } = item[method]!;
      const content = (requestBody as { content?: Record<string, { schema?: JsonSchema }> })
        ?.content;
      const body = content?.["application/json"]?.schema;
      return { method, path, parameters, body, responses } as Operation;
    })
  );
  const isLast = ({ method, path }: Operation) => method !== "get" && COMES_LAST.test(path);
  return [...all.filter((one) => !isLast(one)), ...all.filter(isLast)];
}

/** A request for an operation; a third of them is wrong somewhere. */
function makeRequest(
  maker: ValueMaker,
  { method, path, parameters, body }: Operation,
): { url: string; init: RequestInit } {
  const query = new URLSearchParams();
  let url = path;
  for (const { name, in: place, required, schema } of parameters) {
    const isWrong = maker.chance(12);
    const value = isWrong ? maker.pick(WRONG_VALUES) : maker.make(schema, name);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (place === "path") {
      url = url.replace(`{${name}}`, encodeURIComponent(text.slice(0, 2_000)) || "%20");
    } else if (required || maker.chance(40)) query.append(name, text);
  }
  const init: RequestInit = { method: method.toUpperCase() };
  if (body !== undefined) {
    const made = maker.make(body);
    const sent = JSON.stringify(maker.chance(25) ? maker.spoil(made) : made);
    init.body = maker.chance(3) ? sent.slice(0, sent.length / 2) : sent;
    init.headers = { "content-type": maker.chance(97) ? "application/json" : "text/plain" };
  }
  return { url: query.size === 0 ? url : `${url}?${query}`, init };
}

/** What is wrong with an answer. */
async function mistakesOfAnswer(
  response: Response,
  { responses }: Operation,
  { components }: Document,
): Promise<string[]> {
  const { status } = response;
  const described = responses[status] ?? responses["default"];
  const type = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  const content = described?.content?.[type];
  if (status >= 500 && status !== 501) return [`${status}: ${await response.text()}`];
  if (content === undefined) {
    await response.body?.cancel();
    return [`${status} with ${type} is not in the document`];
  }
  if (!type.endsWith("json") || type.includes("ndjson")) {
    await response.body?.cancel();
    return [];
  }
  const value = await response.json();
  const resolve = (ref: string) => components.schemas[ref.slice(ref.lastIndexOf("/") + 1)]!;
  return mistakesOf(value, content.schema ?? {}, resolve);
}

Deno.test("no request that the OpenAPI document describes, or nearly so, gets a 5xx or an answer out of its schema", async () => {
  const given = Deno.env.get("COMET_TEST_SEED");
  const random = seededRandom(given === undefined ? undefined : Number(given));
  await using server = await startWithApi();
  const { comet, api } = server;
  await using client = new TestClient(comet.brokerPort);
  for (let n = 0; n < 5; n++) await client.send("Known", encodeUtf8(`message ${n}`));
  await api.post("/groups", { group: "Members" }, 201);
  const document: Document = await api.get("/openapi.json");
  const resolve = (ref: string) =>
    document.components.schemas[ref.slice(ref.lastIndexOf("/") + 1)]!;
  const maker = new ValueMaker(random, resolve, WORDS);
  const operations = operationsOf(document);
  const mistakes: string[] = [];
  for (const operation of operations) {
    for (let round = 0; round < ROUNDS; round++) {
      const { url, init } = makeRequest(maker, operation);
      const signal = AbortSignal.timeout(ANSWER_MILLIS);
      try {
        const response = await fetch(api.base + url, { ...init, signal });
        const found = await mistakesOfAnswer(response, operation, document);
        if (found.length > 0) {
          mistakes.push(
            `${init.method} ${url} ${init.body ?? ""}\n  ${found.slice(0, 3).join("\n  ")}`,
          );
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }
  assertEquals(mistakes, []);
  assertEquals(operations.length > 30, true);
});
