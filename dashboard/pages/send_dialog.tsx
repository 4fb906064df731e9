/** Writes a message and sends it; also one that was sent before, changed. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { AreaField, SelectField, TextField } from "../components/form.tsx";
import { useToast } from "../components/toast.tsx";
import { TopicField } from "../components/topic_field.tsx";
import { fromLocalInput, toLocalInput } from "../format.ts";
import { bodyBytes, bodyText, type Message, userProperties } from "../message.ts";
import { parseProperties } from "../search.ts";
import { useText } from "../state.tsx";

type Delay = "now" | "after" | "at";
const DELAYS = ["now", "after", "at"] as const;
const DEFAULT_DELAY_SECONDS = "60";
const HOUR_MILLIS = 3_600_000;

export interface SendDialogProps {
  topic: string;
  /** What to begin with. */
  message?: Message;
  onClose: () => void;
  onSent?: () => void;
}

export function SendDialog({ topic, message, onClose, onSent }: SendDialogProps) {
  const t = useText();
  const say = useToast();
  const [draft, setDraft] = useState(() => draftOf(topic, message));
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const send = async () => {
    const parsed = parseProperties(draft.properties);
    if ("badLine" in parsed) throw new Error(t("send.badProperty", { line: parsed.badLine }));
    const json = { ...messageOf(draft), properties: parsed.properties };
    const { queueId: queue, queueOffset: offset } = await read(api.messages.$post({ json }));
    say(t("send.sent", { queue, offset }));
    onSent?.();
  };
  const text = (name: "tag" | "keys" | "shardingKey") => ({
    label: t(`send.${name}`),
    help: t(`send.${name}Help`),
    value: draft[name],
    onChange: (value: string) => change({ [name]: value }),
    isMono: true,
  });
  return (
    <FormDialog
      title={t("send.title")}
      submitLabel={t("send.send")}
      onSubmit={send}
      onClose={onClose}
      isWide
    >
      <div class="fields">
        <TopicField
          label={t("messages.topic")}
          value={draft.topic}
          onChange={(topic) => change({ topic })}
          autoFocus={topic === ""}
          required
        />
        <TextField {...text("tag")} />
        <TextField {...text("keys")} />
      </div>
      <AreaField
        label={t("send.body")}
        value={draft.body}
        onChange={(body) => change({ body })}
        disabled={draft.binary !== undefined}
      />
      <div class="fields">
        <AreaField
          label={t("send.properties")}
          help={t("send.propertiesHelp")}
          rows={3}
          value={draft.properties}
          onChange={(properties) => change({ properties })}
        />
        <div class="stack">
          <TextField {...text("shardingKey")} />
          <DelayFields draft={draft} change={change} />
        </div>
      </div>
    </FormDialog>
  );
}

function DelayFields({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const t = useText();
  return (
    <div class="fields">
      <SelectField
        label={t("send.delay")}
        value={draft.delay}
        options={DELAYS.map((each) => [each, t(`send.delay.${each}`)])}
        onChange={(delay) => change({ delay })}
      />
      {draft.delay === "after" && (
        <TextField
          type="number"
          label={t("send.seconds")}
          min={1}
          value={draft.seconds}
          onChange={(seconds) => change({ seconds })}
          required
        />
      )}
      {draft.delay === "at" && (
        <TextField
          type="datetime-local"
          label={t("messages.time")}
          value={draft.at}
          onChange={(at) => change({ at })}
          required
        />
      )}
    </div>
  );
}

/** As the fields hold it. */
interface Draft {
  topic: string;
  tag: string;
  keys: string;
  shardingKey: string;
  properties: string;
  body: string;
  /** A body that no field can hold, in base64. */
  binary: string | undefined;
  delay: Delay;
  seconds: string;
  at: string;
}

function draftOf(topic: string, message: Message | undefined): Draft {
  const { tags = "", keys = [], properties = {} } = message ?? {};
  const text = message && bodyText(bodyBytes(message), message.bodyTruncated);
  return {
    topic,
    tag: tags,
    keys: keys.join(" "),
    shardingKey: properties["__SHARDINGKEY"] ?? "",
    properties: Object.entries(userProperties(properties)).map(([name, value]) =>
      `${name} = ${value}`
    ).join("\n"),
    body: text ?? (message === undefined ? "" : String(message.body)),
    binary: message !== undefined && text === undefined ? String(message.body) : undefined,
    delay: "now",
    seconds: DEFAULT_DELAY_SECONDS,
    at: toLocalInput(Date.now() + HOUR_MILLIS),
  };
}

function messageOf({ topic, tag, keys, shardingKey, body, binary, delay, seconds, at }: Draft) {
  const keyList = keys.split(/\s+/).filter((key) => key !== "");
  const deliverAt = delay === "at" ? fromLocalInput(at) : undefined;
  return {
    topic,
    ...(binary === undefined ? { body } : { body: binary, bodyEncoding: "base64" as const }),
    ...(tag === "" ? {} : { tag }),
    ...(keyList.length === 0 ? {} : { keys: keyList }),
    ...(shardingKey === "" ? {} : { shardingKey }),
    ...(delay === "after" ? { delayMillis: Number(seconds) * 1000 } : {}),
    ...(deliverAt === undefined ? {} : { deliverAt }),
  };
}
