/** Sends a message again: a copy to a topic, or the message itself to one consumer. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { SelectField } from "../components/form.tsx";
import { useToast } from "../components/toast.tsx";
import { GroupField, TopicField } from "../components/topic_field.tsx";
import { type Message, originTopic } from "../message.ts";
import { useText } from "../state.tsx";

export function ResendDialog({ message, onClose }: { message: Message; onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const [how, setHow] = useState<"copy" | "direct">("copy");
  const [toTopic, setToTopic] = useState(originTopic(message));
  const [group, setGroup] = useState("");
  const resend = async () => {
    const target = how === "copy" ? { toTopic } : { group };
    const json = { topic: message.topic, ...target };
    const param = { id: message.offsetMsgId };
    const { published, consumed } = await read(api.messages[":id"].resend.$post({ param, json }));
    if (published) say(t("message.resent", { id: published.msgId }));
    if (consumed) {
      say(t("resend.consumed", { client: consumed.clientId, result: consumed.consumeResult }));
    }
  };
  return (
    <FormDialog
      title={t("resend.title")}
      submitLabel={t("message.resend")}
      onSubmit={resend}
      onClose={onClose}
    >
      <SelectField
        label={t("resend.how")}
        value={how}
        onChange={setHow}
        options={[["copy", t("resend.copy")], ["direct", t("resend.direct")]]}
      />
      {how === "copy"
        ? (
          <TopicField
            label={t("resend.toTopic")}
            value={toTopic}
            onChange={setToTopic}
            required
          />
        )
        : <GroupField label={t("resend.group")} value={group} onChange={setGroup} required />}
    </FormDialog>
  );
}
