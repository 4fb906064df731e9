/** `/api/docs`: the reference of the API as one page, made from its own document. No script, nothing from elsewhere. */

import { html, raw } from "hono/html";

/** The parts of an OpenAPI document that the page shows. */
export interface ApiDocument {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly description?: string;
  };
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Content };
  readonly responses: Readonly<Record<string, { description?: string; content?: Content }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
type Schema = Readonly<Record<string, unknown>>;
type Html = ReturnType<typeof html>;

const METHODS = ["get", "post", "put", "patch", "delete"];

interface Row {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** The page. @param base where the paths of the document begin, as in "/api". */
export function docsPage({ info, paths = {}, components }: ApiDocument, base: string): Html {
  const rows: Row[] = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, Operation>)[method];
      return operation === undefined ? [] : [{ method, path: base + path, operation }];
    })
  );
  const tags = [...new Set(rows.map(tagOf))];
  const schemas = Object.entries(components?.schemas ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>${info.title} API</title>
        <link rel="stylesheet" href="${base}/docs.css">
      </head>
      <body>
        <nav aria-label="Contents">
    <p><b>${info.title}</b> ${info.version}</p>
    ${tags.map((tag) => contents(tag, rows))}
    <a href="#schemas">Schemas</a>
        </nav>
        <main>
    <h1>${info.title} API</h1>
    <p>${info.description ??
      ""} The same as a document: <a href="${base}/openapi.json">OpenAPI 3.1</a>.</p>
    ${tags.map((tag) => section(tag, rows))}
    <h2 id="schemas">Schemas</h2>
    ${schemas.map(([name, schema]) =>
      html`
        <section id="schema-${name}">
          <h3>${name}</h3>
          <pre>${schemaText(schema as Schema)}</pre>
        </section>
      `
    )}
        </main>
      </body>
    </html>
  `;
}

function tagOf({ operation }: Row): string {
  return operation.tags?.[0] ?? "Other";
}

function anchorOf({ method, path }: Row): string {
  return `${method}${path}`.replace(/[^a-zA-Z0-9]+/g, "-");
}

function contents(tag: string, rows: readonly Row[]): Html {
  return html`
    <details open>
      <summary>${tag}</summary>
      <ul>
    ${rows.filter((row) => tagOf(row) === tag).map((row) =>
      html`<li><a href="#${anchorOf(row)}"><code class="${row.method}">${row.method}</code>
${row.path}</a></li>`
    )}
      </ul>
    </details>
  `;
}

function section(tag: string, rows: readonly Row[]): Html {
  return html`<h2>${tag}</h2>
${rows.filter((row) => tagOf(row) === tag).map(operationSection)}`;
}

function operationSection(row: Row): Html {
  const { summary, parameters = [], requestBody, responses } = row.operation;
  return html`<section id="${anchorOf(row)}">
<h3><code class="${row.method}">${row.method}</code> ${row.path}</h3>
<p>${summary ?? ""}</p>
${
    parameters.length === 0 ? "" : html`
      <table>
        <thead>
          <tr>
            <th>Parameter</th>
            <th>In</th>
            <th>Form</th>
          </tr>
        </thead>
        <tbody>${parameters.map(parameterRow)}</tbody>
      </table>
    `
  }
${contentBlock("Body", requestBody?.content)}
${
    Object.entries(responses).map(([status, { description, content }]) =>
      contentBlock(`${status === "default" ? "Otherwise" : status}: ${description ?? ""}`, content)
    )
  }
</section>`;
}

function parameterRow({ name, in: place, required, schema }: Parameter): Html {
  return html`
    <tr>
      <td><code>${name}</code>${required === true ? " (required)" : ""}</td>
      <td>${place}</td>
      <td><code>${schemaText(schema ?? {})}</code></td>
    </tr>
  `;
}

function contentBlock(title: string, content: Content | undefined): Html | string {
  if (content === undefined) return "";
  return html`<h4>${title}</h4>
${
    Object.entries(content).map(([type, { schema }]) =>
      html`
        <p class="type">${type}</p>
        <pre>${schemaText(schema ?? {})}</pre>
      `
    )
  }`;
}

/** A schema as a type, with links to those that have a name. */
function schemaText(schema: Schema): Html {
  return raw(printSchema(schema, "")) as Html;
}

/** HTML text. */
function printSchema(schema: Schema, indent: string): string {
  const ref = schema["$ref"];
  if (typeof ref === "string") {
    const name = escape(ref.slice(ref.lastIndexOf("/") + 1));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  for (const [key, joint] of [["anyOf", " | "], ["oneOf", " | "], ["allOf", " & "]] as const) {
    const parts = schema[key];
    if (Array.isArray(parts)) {
      return (parts as Schema[]).map((part) => printSchema(part, indent)).join(joint);
    }
  }
  const values = schema["enum"] ?? ("const" in schema ? [schema["const"]] : undefined);
  if (Array.isArray(values)) {
    return values.map((value) => escape(JSON.stringify(value))).join(" | ");
  }
  const types = [schema["type"]].flat();
  return types.map((type) => printType(String(type ?? "any"), schema, indent)).join(" | ");
}

function printType(type: string, schema: Schema, indent: string): string {
  if (type === "array") return `${printSchema((schema["items"] ?? {}) as Schema, indent)}[]`;
  if (type === "object") return printObject(schema, indent);
  return escape(type) + limits(schema);
}

function printObject(schema: Schema, indent: string): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Schema>);
  const required = new Set((schema["required"] ?? []) as string[]);
  const inner = `${indent}  `;
  const lines = properties.map(([name, property]) => {
    const { description } = property as { description?: string };
    const comment = description === undefined ? "" : ` <i>${escape(description)}</i>`;
    const mark = required.has(name) ? "" : "?";
    return `${inner}${escape(name)}${mark}: ${printSchema(property, inner)}${comment}`;
  });
  const others = schema["additionalProperties"];
  if (typeof others === "object" && others !== null) {
    lines.push(`${inner}[name]: ${printSchema(others as Schema, inner)}`);
  }
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${indent}}`;
}

/** What a value must keep to, in brackets. */
function limits(schema: Schema): string {
  const parts = ["minimum", "maximum", "minLength", "maxLength", "pattern", "default"]
    .filter((name) => schema[name] !== undefined && Math.abs(Number(schema[name])) !== SAFE_MAX)
    .map((name) => `${name} ${String(schema[name])}`);
  return parts.length === 0 ? "" : ` <small>(${escape(parts.join(", "))})</small>`;
}

/** Says no more than "a whole number" does. */
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** The page's stylesheet. */
export const DOCS_STYLE =
  `:root { color-scheme: light dark; --line: #8884; --link: light-dark(#0645ad, #8ab4f8); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 22rem 1fr; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line); font-size: 13px; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { overflow-wrap: anywhere; }
main { padding: 1rem 2rem 4rem; min-width: 0; max-width: 70rem; }
section { border-top: 1px solid var(--line); padding: .5rem 0 1rem; scroll-margin-top: 0; }
h3 { font-size: 1rem; overflow-wrap: anywhere; }
h4 { margin: .8rem 0 .2rem; font-size: .9rem; }
a { color: var(--link); }
nav a { text-decoration: none; }
pre { overflow: auto; padding: .6rem; border: 1px solid var(--line); border-radius: 4px; font-size: 13px; margin: .2rem 0; }
pre i, small { opacity: .75; }
table { border-collapse: collapse; font-size: 13px; }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
.type { font-size: 12px; opacity: .75; margin: 0; }
code.get, code.post, code.put, code.patch, code.delete { text-transform: uppercase; font-weight: 600; font-size: 11px; }
@media (max-width: 60rem) { body { display: block; } nav { position: static; height: auto; border: 0; } }
`;
