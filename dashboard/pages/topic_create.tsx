/** The dialog that creates a topic. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { SelectField, TextField } from "../components/form.tsx";
import { useToast } from "../components/toast.tsx";
import { hrefOf } from "../router.ts";
import { useRoute, useText } from "../state.tsx";

const DEFAULT_QUEUE_NUMS = 8;
/** What producers may choose; UNSPECIFIED is what old brokers have. */
const TYPES = ["NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED"] as const;

export function CreateTopic({ onClose }: { onClose: () => void }) {
  const t = useText();
  const say = useToast();
  const { go } = useRoute();
  const [topic, setTopic] = useState("");
  const [queueNums, setQueueNums] = useState(String(DEFAULT_QUEUE_NUMS));
  const [messageType, setMessageType] = useState<(typeof TYPES)[number]>("NORMAL");
  const create = async () => {
    const nums = Number(queueNums);
    const json = { topic, readQueueNums: nums, writeQueueNums: nums, messageType };
    await read(api.topics.$post({ json }));
    say(t("topics.created", { topic }));
    go(hrefOf(["topics", topic]));
  };
  return (
    <FormDialog
      title={t("topics.create")}
      submitLabel={t("topics.create")}
      onSubmit={create}
      onClose={onClose}
    >
      <TextField
        label={t("topics.name")}
        value={topic}
        onChange={setTopic}
        help={t("topics.nameHelp")}
        pattern="[%\|a-zA-Z0-9_\-]+"
        maxLength={127}
        isMono
        autoFocus
        required
      />
      <TextField
        type="number"
        label={t("topics.queues")}
        value={queueNums}
        onChange={setQueueNums}
        help={t("topics.queuesHelp")}
        min={1}
        max={65_535}
        required
      />
      <SelectField
        label={t("topics.messageType")}
        value={messageType}
        onChange={setMessageType}
        options={TYPES.map((type) => [type, type])}
        help={t("topics.messageTypeHelp")}
      />
    </FormDialog>
  );
}
