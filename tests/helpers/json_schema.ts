/** As much of JSON Schema as an OpenAPI 3.1 document of ours uses: checking values, and making them. */

import type { Random } from "./random.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Finds the schema that a `$ref` names. */
export type Resolve = (ref: string) => JsonSchema;

/** What is wrong with a value, each with its path; nothing when it fits. */
export function mistakesOf(
  value: unknown,
  schema: JsonSchema,
  resolve: Resolve,
  path = "$",
): string[] {
  const ref = schema["$ref"];
  if (typeof ref === "string") return mistakesOf(value, resolve(ref), resolve, path);
  return [
    ...combinedMistakes(value, schema, resolve, path),
    ...typeMistakes(value, schema, path),
    ...(typeof value === "string" ? textMistakes(value, schema, path) : []),
    ...(typeof value === "number" ? numberMistakes(value, schema, path) : []),
    ...(Array.isArray(value) ? listMistakes(value, schema, resolve, path) : []),
    ...(isObject(value) ? objectMistakes(value, schema, resolve, path) : []),
  ];
}

function combinedMistakes(
  value: unknown,
  schema: JsonSchema,
  resolve: Resolve,
  path: string,
): string[] {
  const mistakes: string[] = [];
  for (const key of ["anyOf", "oneOf"]) {
    const parts = schema[key] as JsonSchema[] | undefined;
    const all = parts?.map((part) => mistakesOf(value, part, resolve, path)) ?? [];
    if (all.length > 0 && all.every((found) => found.length > 0)) {
      mistakes.push(`${path}: fits none of ${key}: ${all.map((found) => found[0]).join(" | ")}`);
    }
  }
  for (const part of (schema["allOf"] ?? []) as JsonSchema[]) {
    mistakes.push(...mistakesOf(value, part, resolve, path));
  }
  return mistakes;
}

function typeMistakes(value: unknown, schema: JsonSchema, path: string): string[] {
  const types = [schema["type"] ?? []].flat() as string[];
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) {
    return [`${path}: ${JSON.stringify(value)} is no ${types.join(" or ")}`];
  }
  const values = schema["enum"] as unknown[] | undefined;
  if (values !== undefined && !values.includes(value)) {
    return [`${path}: ${JSON.stringify(value)} is none of ${JSON.stringify(values)}`];
  }
  if ("const" in schema && schema["const"] !== value) {
    return [`${path}: ${JSON.stringify(value)} is not ${JSON.stringify(schema["const"])}`];
  }
  return [];
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  const form: string = typeof value;
  return form === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textMistakes(value: string, schema: JsonSchema, path: string): string[] {
  const { minLength = 0, maxLength = Infinity, pattern } = schema as Record<string, number> & {
    pattern?: string;
  };
  const isWrong = value.length < minLength || value.length > maxLength ||
    pattern !== undefined && !new RegExp(pattern, "u").test(value);
  return isWrong ? [`${path}: ${JSON.stringify(value).slice(0, 100)} has not its form`] : [];
}

function numberMistakes(value: number, schema: JsonSchema, path: string): string[] {
  const { minimum = -Infinity, maximum = Infinity } = schema as Record<string, number>;
  return value < minimum || value > maximum ? [`${path}: ${value} is out of range`] : [];
}

function listMistakes(
  value: unknown[],
  schema: JsonSchema,
  resolve: Resolve,
  path: string,
): string[] {
  const { minItems = 0, maxItems = Infinity } = schema as Record<string, number>;
  const items = schema["items"] as JsonSchema | undefined;
  if (value.length < minItems || value.length > maxItems) {
    return [`${path}: ${value.length} items`];
  }
  if (items === undefined) return [];
  return value.flatMap((item, index) => mistakesOf(item, items, resolve, `${path}[${index}]`));
}

function objectMistakes(
  value: Record<string, unknown>,
  schema: JsonSchema,
  resolve: Resolve,
  path: string,
): string[] {
  const properties = (schema["properties"] ?? {}) as Record<string, JsonSchema>;
  const others = schema["additionalProperties"];
  const missing = ((schema["required"] ?? []) as string[])
    .filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name} is missing`);
  const found = Object.entries(value).flatMap(([name, item]) => {
    const at = `${path}.${name}`;
    if (Object.hasOwn(properties, name)) return mistakesOf(item, properties[name]!, resolve, at);
    if (others === false) return [`${at} should not be there`];
    return isObject(others) ? mistakesOf(item, others, resolve, at) : [];
  });
  return [...missing, ...found];
}

/** Words that a maker of values takes for a field of some name, rather than any text. */
export type Words = Readonly<Record<string, readonly string[]>>;

/** Makes values that fit, as well as its schema says: a pattern it does not know is not kept. */
export class ValueMaker {
  readonly #random: Random;
  readonly #resolve: Resolve;
  readonly #words: Words;

  constructor(random: Random, resolve: Resolve, words: Words) {
    this.#random = random;
    this.#resolve = resolve;
    this.#words = words;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.#random(values.length)]!;
  }

  /** Whether, so many times out of a hundred. */
  chance(percent: number): boolean {
    return this.#random(100) < percent;
  }

  /** A value for the field `name`. */
  make(schema: JsonSchema, name = "", depth = 0): unknown {
    const ref = schema["$ref"];
    if (typeof ref === "string") return this.make(this.#resolve(ref), name, depth);
    const parts = (schema["anyOf"] ?? schema["oneOf"] ?? schema["allOf"]) as JsonSchema[];
    if (parts !== undefined) return this.make(this.pick(parts), name, depth);
    if ("const" in schema) return schema["const"];
    if (schema["enum"] !== undefined) return this.pick(schema["enum"] as unknown[]);
    switch (this.pick([schema["type"] ?? "string"].flat())) {
      case "integer":
        return this.#integer(schema);
      case "number":
        return this.#integer(schema) + this.#random(100) / 100;
      case "boolean":
        return this.chance(50);
      case "null":
        return null;
      case "array":
        return this.#list(schema, name, depth);
      case "object":
        return this.#object(schema, depth);
      default:
        return this.#text(schema, name);
    }
  }

  #integer(schema: JsonSchema): number {
    const { minimum = -1000, maximum = 1000 } = schema as Record<string, number>;
    const near = [minimum, maximum, 0, 1, this.#random(100), this.#random(1_000_000)];
    return this.pick(near.filter((value) => value >= minimum && value <= maximum));
  }

  #text(schema: JsonSchema, name: string): string {
    const known = this.#words[name];
    if (known !== undefined && this.chance(70)) return this.pick(known);
    const { minLength = 0, maxLength = 40 } = schema as Record<string, number>;
    const length = Math.min(maxLength, minLength + this.#random(12));
    return Array.from({ length }, () => this.pick([..."abcXYZ019_-"])).join("");
  }

  #list(schema: JsonSchema, name: string, depth: number): unknown[] {
    const { minItems = 0 } = schema as Record<string, number>;
    const length = minItems + (depth > 4 ? 0 : this.#random(3));
    return Array.from({ length }, () => this.make(schema["items"] as JsonSchema, name, depth + 1));
  }

  #object(schema: JsonSchema, depth: number): Record<string, unknown> {
    const properties = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>);
    const required = (schema["required"] ?? []) as string[];
    const chosen = properties.filter(([name]) => required.includes(name) || this.chance(30));
    const made = chosen.map(([name, property]) => [name, this.make(property, name, depth + 1)]);
    const others = schema["additionalProperties"];
    if (isObject(others) && depth < 4) {
      for (let count = this.#random(3); count > 0; count--) {
        made.push([this.pick(["0", "1", "a", "message.type"]), this.make(others, "", depth + 1)]);
      }
    }
    return Object.fromEntries(made);
  }

  /** The same value with something changed that may well be wrong. */
  spoil(value: unknown): unknown {
    if (isObject(value) && Object.keys(value).length > 0 && this.chance(80)) {
      const name = this.pick(Object.keys(value));
      if (this.chance(20)) {
        const { [name]: _, ...rest } = value;
        return rest;
      }
      if (this.chance(10)) return { ...value, surplus: true };
      return { ...value, [name]: this.spoil(value[name]) };
    }
    if (Array.isArray(value) && value.length > 0 && this.chance(60)) {
      return value.map((item, index) => index === 0 ? this.spoil(item) : item);
    }
    return this.pick(WRONG_VALUES);
  }
}

/** What programs forget that it may come. */
export const WRONG_VALUES: readonly unknown[] = [
  null,
  "",
  "x".repeat(5_000),
  "%00",
  "\u0000",
  "../../etc/passwd",
  "ü\u202e\ud83d\ude00",
  "__proto__",
  -1,
  0.5,
  2 ** 31,
  2 ** 53,
  1e308,
  true,
  [],
  {},
  [[]],
];
