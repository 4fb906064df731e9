/** Lists that the server filters, sorts and cuts into pages; the URL holds which part is shown. */

import { useEffect, useState } from "preact/hooks";
import { useSettled } from "../hooks.ts";
import { useRoute, useText } from "../state.tsx";
import { TextField } from "./form.tsx";
import { Pager } from "./table.tsx";

/** Rows of a page. */
export const PAGE_SIZE = 50;

export interface ListState {
  readonly page: number;
  readonly search: string;
  readonly sort: string;
}

/** Which part of a list the URL asks for. */
export function useListState(sort: string): ListState {
  const { query } = useRoute();
  const page = Math.max(1, Math.floor(Number(query["page"])) || 1);
  return { page, search: query["search"] ?? "", sort: query["sort"] ?? sort };
}

/** The filter by name; goes into the URL once typing pauses. */
export function SearchField() {
  const t = useText();
  const { query, setQuery } = useRoute();
  const inUrl = query["search"] ?? "";
  const [text, setText] = useState(inUrl);
  const settled = useSettled(text);
  useEffect(() => {
    if (settled !== inUrl) setQuery({ search: settled, page: undefined });
  }, [settled]);
  return (
    <div class="grow">
      <TextField
        type="search"
        label={t("table.search")}
        placeholder={t("table.search")}
        value={text}
        onChange={setText}
        isBare
      />
    </div>
  );
}

/** To the pages beside; nothing when all is on one. */
export function ListPager({ page, total }: { page: number; total: number }) {
  const { setQuery } = useRoute();
  if (total <= PAGE_SIZE && page === 1) return null;
  return (
    <Pager
      page={page}
      pageSize={PAGE_SIZE}
      total={total}
      onPage={(page) => setQuery({ page: page === 1 ? undefined : page }, "push")}
    />
  );
}
