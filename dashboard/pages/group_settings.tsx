/** A group's settings, with what a change does before it is saved. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { CheckField, TextField } from "../components/form.tsx";
import { SettingsForm } from "../components/settings_form.tsx";
import { useToast } from "../components/toast.tsx";
import { useText } from "../state.tsx";

const SWITCHES = ["consumeEnable", "consumeBroadcastEnable", "consumeMessageOrderly"] as const;
const NUMBERS = ["retryMaxTimes", "retryQueueNums", "consumeTimeoutMinute"] as const;

type Settings =
  & Record<(typeof SWITCHES)[number], boolean>
  & Record<(typeof NUMBERS)[number], number>;

interface GroupSettingsProps {
  group: Settings & { group: string };
  onSaved: () => void;
}

export function GroupSettings({ group, onSaved }: GroupSettingsProps) {
  const t = useText();
  const say = useToast();
  const names = [...SWITCHES, ...NUMBERS];
  const now = Object.fromEntries(names.map((name) => [name, group[name]])) as Settings;
  const [then, setThen] = useState(now);
  const changed = names.filter((name) => then[name] !== now[name]);
  const save = async () => {
    const json = Object.fromEntries(changed.map((name) => [name, then[name]]));
    await read(api.groups[":group"].$put({ param: { group: group.group }, json }));
    say(t("settings.saved"));
    onSaved();
  };
  return (
    <SettingsForm
      save={save}
      differences={changed.map((name) => ({
        name,
        before: String(now[name]),
        after: String(then[name]),
      }))}
    >
      <div class="fields">
        {NUMBERS.map((name) => (
          <TextField
            key={name}
            type="number"
            min={0}
            required
            label={t(`gset.${name}`)}
            value={String(then[name])}
            onChange={(text) => setThen({ ...then, [name]: Number(text) })}
          />
        ))}
      </div>
      <div class="checks">
        {SWITCHES.map((name) => (
          <CheckField
            key={name}
            label={t(`gset.${name}`)}
            value={then[name]}
            onChange={(value) => setThen({ ...then, [name]: value })}
          />
        ))}
      </div>
    </SettingsForm>
  );
}
