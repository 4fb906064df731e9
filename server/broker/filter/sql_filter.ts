/** SQL92 filters over message records: parsed and compiled once, evaluated often. */

import { recordPropertiesStart } from "../../../client/protocol/message_record.ts";
import type { MessageFilter } from "../../../store/get_message.ts";
import { compileCondition, type CompiledCondition } from "./sql_condition.ts";
import { parseSql } from "./sql_parser.ts";
import { Truth } from "./sql_truth.ts";

/** Lets a message through when the expression is TRUE of its properties, and neither when it is NULL nor an error. */
export class SqlFilter implements MessageFilter {
  readonly #condition: CompiledCondition;

  /** @throws {SqlSyntaxError} when the expression cannot be a filter. */
  constructor(expression: string) {
    this.#condition = compileCondition(parseSql(expression));
  }

  matchesTagsCode(): boolean {
    return true;
  }

  matchesRecord(record: Uint8Array): boolean {
    const { properties, test } = this.#condition;
    properties.load(record, recordPropertiesStart(record), record.length);
    return test() === Truth.TRUE;
  }
}

/** So many characters of expressions are kept in compiled form. */
const CACHED_LENGTH_MAX = 1_048_576;

/** The filters of late: clients that carry their expression with every pull send the same one again and again. */
export class SqlFilterCache {
  /** By expression, the least recently used first. */
  readonly #filters = new Map<string, SqlFilter>();
  #length = 0;

  /** The filter of an expression. @throws {SqlSyntaxError} when it cannot be one. */
  filterOf(expression: string): SqlFilter {
    const known = this.#filters.get(expression);
    if (known !== undefined) {
      this.#filters.delete(expression);
      this.#filters.set(expression, known);
      return known;
    }
    const created = new SqlFilter(expression);
    this.#filters.set(expression, created);
    this.#length += expression.length;
    for (const oldest of this.#filters.keys()) {
      if (this.#length <= CACHED_LENGTH_MAX) break;
      this.#filters.delete(oldest);
      this.#length -= oldest.length;
    }
    return created;
  }
}
