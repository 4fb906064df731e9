/** The place that a page shows, as the URL has it: all of a page's state is in there, so that it can be shared. */

export interface Place {
  /** The path's parts, decoded: ["topics", "Orders"]. */
  readonly path: readonly string[];
  /** What follows "?"; a key that is not there has its default. */
  readonly query: Readonly<Record<string, string>>;
}

/** Changes to a query; undefined or "" takes a key away. */
export type QueryChange = Readonly<Record<string, string | number | undefined>>;

/** Reads a URL's path and query. What cannot be decoded stays as it is. */
export function parsePlace(pathname: string, search: string): Place {
  const path = pathname.split("/").filter((part) => part !== "").map(decodePart);
  return { path, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** The URL of a place: `hrefOf(["topics", "Orders"], { tab: "queues" })`. */
export function hrefOf(path: readonly string[], query: QueryChange = {}): string {
  const text = new URLSearchParams(changedQuery({}, query)).toString();
  return `/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

/** The query with the changes made. */
export function changedQuery(
  query: Readonly<Record<string, string>>,
  change: QueryChange,
): Record<string, string> {
  const changed: Record<string, string> = { ...query };
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined || value === "") delete changed[key];
    else changed[key] = String(value);
  }
  return changed;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
