/**
 * Header schemas: what fields a command has, described once. The row gives the codec, the TypeScript type, the
 * resources that authorization looks at, and the documentation.
 */

import { refuse, ResponseCode } from "./response_code.ts";

/** What a field names, for authorization (RocketMQResource in Java's headers). */
export type Resource = "TOPIC" | "GROUP" | "CLUSTER";
/** What a command does to its resources (RocketMQAction in Java's headers). */
export type Access = "PUB" | "SUB" | "GET" | "LIST" | "CREATE" | "UPDATE" | "DELETE" | "ANY";

/** One header field: text on the wire, `T` in the program. */
export interface Field<T> {
  readonly parse: (text: string, name: string) => T;
  readonly print: (value: NonNullable<T>) => string;
  /** A missing field is refused when true, else it is `absent`. */
  readonly required: boolean;
  readonly absent: T;
  readonly resource?: Resource;
}

/** Fields by their names in the program, in wire order. */
// deno-lint-ignore no-explicit-any -- the variance of parse and print needs it
export type Fields = Record<string, Field<any>>;
/** The decoded header of a set of fields. */
export type HeaderOf<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};
/** What a sender gives: fields that may be absent may be left out. */
export type HeaderInput<F extends Fields> =
  & { [K in keyof F as F[K] extends { required: false } ? never : K]: ValueOf<F[K]> }
  & { [K in keyof F as F[K] extends { required: false } ? K : never]?: ValueOf<F[K]> | undefined };
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** A header schema ready to use: each field with its name in the program and on the wire. */
export interface Schema<F extends Fields = Fields> {
  readonly fields: F;
  readonly rows: readonly { name: string; wireName: string; field: Field<unknown> }[];
}

/** One command of the protocol: everything about it that is data. */
export interface Command<Q extends Fields = Fields, R extends Fields = Fields> {
  readonly name: string;
  readonly code: number;
  readonly access: Access;
  readonly request: Schema<Q>;
  readonly response: Schema<R>;
}

function field<T>(
  parse: (text: string, name: string) => T,
  print: (value: NonNullable<T>) => string = String,
): Field<T> {
  return { parse, print, required: true, absent: undefined as T };
}

function parseInteger(text: string, name: string): number {
  const value = Number(text);
  if (text !== "" && Number.isInteger(value)) return value;
  throw refuse(
    ResponseCode.SYSTEM_ERROR,
    `the custom field <${name}> is "${text}", which is no integer`,
  );
}

/** A Java `String`. */
export const str: Field<string> = field((text) => text, (value) => value);
/** A Java `Integer`. */
export const int: Field<number> = field(parseInteger);
/** A Java `Long`; exact up to 2^53. */
export const long: Field<number> = field(parseInteger);
/** A Java `Boolean`, which reads everything but "true" as false. */
export const bool: Field<boolean> = field((text) => text.toLowerCase() === "true");
/** A topic's name, which authorization looks at. */
export const topic: Field<string> = { ...str, resource: "TOPIC" };
/** A group's name, which authorization looks at. */
export const group: Field<string> = { ...str, resource: "GROUP" };
/** A cluster's name, which authorization looks at. */
export const cluster: Field<string> = { ...str, resource: "CLUSTER" };

/** The field may be missing. */
export function optional<T>(field: Field<T>): Field<T | undefined> & { required: false } {
  return { ...field, required: false, absent: undefined };
}

/** The field may be missing and then has this value. */
export function fallback<T>(field: Field<T>, absent: T): Field<T> & { required: false } {
  return { ...field, required: false, absent };
}

/** A schema whose wire names are the fields' own. */
export function schema<F extends Fields>(fields: F): Schema<F> {
  return renamed(fields, Object.keys(fields));
}

/** A schema whose fields have other names on the wire, one for each field in order ("abc…" or a list). */
export function renamed<F extends Fields>(fields: F, wireNames: Iterable<string>): Schema<F> {
  const names = [...wireNames];
  const rows = Object.entries(fields).map(([name, field], index) => ({
    name,
    wireName: names[index] ?? name,
    field,
  }));
  return { fields, rows };
}

const NO_FIELDS = schema({});

/** Declares a command. */
export function command<Q extends Fields, R extends Fields = Record<never, never>>(row: {
  name: string;
  code: number;
  access: Access;
  request: Q | Schema<Q>;
  response?: R;
}): Command<Q, R> {
  return {
    name: row.name,
    code: row.code,
    access: row.access,
    request: isSchema(row.request) ? row.request : schema(row.request),
    response: row.response ? schema(row.response) : NO_FIELDS as unknown as Schema<R>,
  };
}

function isSchema<F extends Fields>(value: F | Schema<F>): value is Schema<F> {
  return Array.isArray((value as Schema<F>).rows);
}

/**
 * Reads a header from its wire fields.
 * @throws {RemotingError} SYSTEM_ERROR when a required field is missing or a number is none, with Java's words.
 */
export function decodeHeader<F extends Fields>(
  schema: Schema<F>,
  extFields: ReadonlyMap<string, string>,
): HeaderOf<F> {
  const header: Record<string, unknown> = {};
  for (const { name, wireName, field } of schema.rows) {
    const text = extFields.get(wireName);
    if (text !== undefined) header[name] = field.parse(text, wireName);
    else if (!field.required) header[name] = field.absent;
    else throw refuse(ResponseCode.SYSTEM_ERROR, `the custom field <${wireName}> is null`);
  }
  return header as HeaderOf<F>;
}

/** Writes a header as wire fields; what is undefined is left out. */
export function encodeHeader<F extends Fields>(
  schema: Schema<F>,
  header: HeaderInput<F>,
): Map<string, string> {
  const extFields = new Map<string, string>();
  for (const { name, wireName, field } of schema.rows) {
    const value = (header as Record<string, unknown>)[name];
    if (value !== undefined && value !== null) extFields.set(wireName, field.print(value));
  }
  return extFields;
}
