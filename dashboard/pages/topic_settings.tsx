/** A topic's settings, with what a change does before it is saved. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { CheckField, SelectField, TextField } from "../components/form.tsx";
import { Facts } from "../components/page.tsx";
import { type Difference, SettingsForm } from "../components/settings_form.tsx";
import { useToast } from "../components/toast.tsx";
import { useText } from "../state.tsx";
import type { TextKey } from "../texts/all.ts";

/** A topic as the API gives it; what is a list of brokers here is the same on all of them, or the first counts. */
interface TopicAnswer {
  topic: string;
  order: boolean;
  brokers: {
    readQueueNums: number;
    writeQueueNums: number;
    perm: number;
    attributes: Record<string, string>;
  }[];
}

/** As the fields hold them. */
interface Settings {
  readQueueNums: string;
  writeQueueNums: string;
  perm: string;
  order: boolean;
}

const PERMS = ["6", "4", "2", "0"] as const;

export function TopicSettings({ topic, onSaved }: { topic: TopicAnswer; onSaved: () => void }) {
  const t = useText();
  const say = useToast();
  const now = settingsOf(topic);
  const [then, setThen] = useState(now);
  const change = (part: Partial<Settings>) => setThen({ ...then, ...part });
  const save = async () => {
    const json = {
      readQueueNums: Number(then.readQueueNums),
      writeQueueNums: Number(then.writeQueueNums),
      perm: Number(then.perm),
      order: then.order,
    };
    await read(api.topics[":topic"].$put({ param: { topic: topic.topic }, json }));
    say(t("settings.saved"));
    onSaved();
  };
  const isFewer = Number(then.readQueueNums) < Number(now.readQueueNums);
  return (
    <SettingsForm
      differences={differencesOf(now, then)}
      save={save}
      warning={isFewer && t("settings.fewerQueues")}
    >
      <div class="fields">
        <TextField
          type="number"
          min={1}
          max={65_535}
          required
          label={t("topics.readQueues")}
          value={then.readQueueNums}
          onChange={(readQueueNums) => change({ readQueueNums })}
        />
        <TextField
          type="number"
          min={1}
          max={65_535}
          required
          label={t("topics.writeQueues")}
          value={then.writeQueueNums}
          onChange={(writeQueueNums) => change({ writeQueueNums })}
        />
        <SelectField
          label={t("topics.perm")}
          value={then.perm}
          options={PERMS.map((perm) => [perm as string, t(`topics.perm.${perm}` as TextKey)])}
          onChange={(perm) => change({ perm })}
        />
      </div>
      <CheckField
        label={t("topics.order")}
        value={then.order}
        onChange={(order) => change({ order })}
      />
      <Facts
        rows={Object.entries(topic.brokers[0]?.attributes ?? {})}
      />
    </SettingsForm>
  );
}

function settingsOf({ order, brokers }: TopicAnswer): Settings {
  const { readQueueNums = 0, writeQueueNums = 0, perm = 6 } = brokers[0] ?? {};
  return {
    readQueueNums: String(readQueueNums),
    writeQueueNums: String(writeQueueNums),
    perm: String(perm & 6),
    order,
  };
}

function differencesOf(now: Settings, then: Settings): Difference[] {
  return (Object.keys(now) as (keyof Settings)[]).map((name) => ({
    name,
    before: String(now[name]),
    after: String(then[name]),
  })).filter(({ before, after }) => before !== after);
}
