/** A field for a topic or a group, which proposes those that there are. */

import { api, read } from "../api.ts";
import { useLoad, useSettled } from "../hooks.ts";
import { TextField } from "./form.tsx";

interface NameFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  required?: boolean;
  autoFocus?: boolean;
}

const PROPOSED = "20";

export function TopicField(props: NameFieldProps) {
  const search = useSettled(props.value);
  const found = useLoad(async (signal) => {
    const query = {
      limit: PROPOSED,
      ...(search === "" ? { type: "normal" as const } : { search }),
    };
    return (await read(api.topics.$get({ query }, { init: { signal } }))).items;
  }, search);
  return <TextField {...props} isMono list={found.data?.map(({ topic }) => topic) ?? []} />;
}

export function GroupField(props: NameFieldProps) {
  const search = useSettled(props.value);
  const found = useLoad(async (signal) => {
    const query = { limit: PROPOSED, ...(search === "" ? {} : { search }) };
    return (await read(api.groups.$get({ query }, { init: { signal } }))).items;
  }, search);
  return <TextField {...props} isMono list={found.data?.map(({ group }) => group) ?? []} />;
}
