/** Tables: columns as rows of a table of their own, sorting and paging by whoever has the data. */

import type { ComponentChildren } from "preact";
import { useText } from "../state.tsx";

export interface Column<T> {
  readonly title: ComponentChildren;
  readonly cell: (row: T) => ComponentChildren;
  /** Aligned right, with figures of one width. */
  readonly isNumber?: boolean;
  /** What the data's source calls this order; without it nobody can sort by the column. */
  readonly sort?: string;
  /** Takes the room that is left, and is cut where that is not enough. */
  readonly isWide?: boolean;
  /** Left out on narrow screens. */
  readonly isExtra?: boolean;
}

export interface TableProps<T> {
  /** Says what is in it to those who can't see it. */
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** The order that is shown: a column's, with "-" before it when it falls. */
  sort?: string | undefined;
  onSort?: (sort: string) => void;
  /** Marks rows: "bad", "warn", "active". */
  rowClass?: (row: T) => string | undefined;
}

/** Rows under headings. Up and down go from row to row, along the first link or button of each. */
export function Table<T>(props: TableProps<T>) {
  const { label, columns, rows, rowKey, rowClass } = props;
  return (
    <div class="table-frame" role="region" aria-label={label} tabIndex={0} onKeyDown={moveFocus}>
      <table>
        <thead>
          <tr>
            {columns.map((column, at) => <Heading key={at} column={column} {...props} />)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row)}>
              {columns.map((column, at) => (
                <td key={at} class={classOf(column)}>{column.cell(row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadingProps<T> extends TableProps<T> {
  column: Column<T>;
}

function Heading<T>({ column, sort, onSort }: HeadingProps<T>) {
  const { title, sort: order } = column;
  if (order === undefined || onSort === undefined) {
    return <th scope="col" class={classOf(column)}>{title}</th>;
  }
  const isUp = sort === order;
  const isDown = sort === `-${order}`;
  return (
    <th
      scope="col"
      class={classOf(column)}
      aria-sort={isUp ? "ascending" : isDown ? "descending" : "none"}
    >
      <button type="button" class="sort" onClick={() => onSort(isUp ? `-${order}` : order)}>
        {title}
        <span aria-hidden="true">{isUp ? " ↑" : isDown ? " ↓" : ""}</span>
      </button>
    </th>
  );
}

function classOf<T>({ isNumber, isWide, isExtra }: Column<T>): string | undefined {
  const names = [isNumber && "number", isWide && "wide", isExtra && "extra"];
  return names.filter(Boolean).join(" ") || undefined;
}

/** Arrow keys: to the row above or below. */
function moveFocus(event: KeyboardEvent): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const frame = event.currentTarget as HTMLElement;
  const stops = [...frame.querySelectorAll<HTMLElement>("tbody tr")]
    .flatMap((row) => row.querySelector<HTMLElement>("a, button") ?? []);
  const row = (event.target as Element).closest("tr");
  const at = stops.findIndex((stop) => stop.closest("tr") === row);
  const next = stops[event.key === "ArrowDown" ? at + 1 : at - 1];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

export interface PagerProps {
  page: number;
  pageSize: number;
  total: number;
  onPage: (page: number) => void;
}

/** "1–50 of 10,000", and to the pages beside. Pages count from one. */
export function Pager({ page, pageSize, total, onPage }: PagerProps) {
  const t = useText();
  const from = Math.min((page - 1) * pageSize + 1, total);
  const to = Math.min(page * pageSize, total);
  return (
    <div class="pager">
      <span>{t("table.range", { from, to, total })}</span>
      <button type="button" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        {t("table.previous")}
      </button>
      <button type="button" disabled={to >= total} onClick={() => onPage(page + 1)}>
        {t("table.next")}
      </button>
    </div>
  );
}
