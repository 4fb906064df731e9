/** One message with all that is known of it. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { BodyView } from "../components/body_view.tsx";
import { CopyButton } from "../components/copy.tsx";
import { Dialog } from "../components/dialog.tsx";
import { Await, Facts } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { formatBytes, formatTime } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { bodyBytes, curlOf, type Message } from "../message.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";
import { MessageTrack } from "./message_track.tsx";
import { ResendDialog } from "./resend_dialog.tsx";
import { SendDialog } from "./send_dialog.tsx";

/** The whole of any body that Apache's brokers take by default. */
const BODY_BYTES_MAX = "8388608";

export interface MessageDialogProps {
  /** An offsetMsgId, or a unique key. */
  id: string;
  topic: string;
  onClose: () => void;
}

export function MessageDialog({ id, topic, onClose }: MessageDialogProps) {
  const t = useText();
  const message = useLoad(
    (signal) => {
      const query = {
        bodyEncoding: "base64" as const,
        bodyLimit: BODY_BYTES_MAX,
        ...(topic === "" ? {} : { topic }),
      };
      return read(api.messages[":id"].$get({ param: { id }, query }, { init: { signal } }));
    },
    `${topic} ${id}`,
  );
  return (
    <Dialog title={t("message.title")} onClose={onClose} isWide>
      <div>
        <Await of={message}>{(message) => <MessageView message={message as Message} />}</Await>
      </div>
    </Dialog>
  );
}

type Doing = "resend" | "edit";

/** All of a message, with what can be done with it. */
export function MessageView({ message }: { message: Message }) {
  const t = useText();
  const [doing, setDoing] = useState<Doing>();
  const bytes = bodyBytes(message);
  const { topic, msgId, storeTimestamp } = message;
  return (
    <div class="stack">
      <div class="actions">
        <button type="button" onClick={() => setDoing("resend")}>{t("message.resend")}</button>
        <button type="button" onClick={() => setDoing("edit")}>{t("message.edit")}</button>
        <CopyButton text={curlOf(location.origin, message, bytes)} label={t("message.curl")} />
        <Link class="button" href={hrefOf(["trace"], { topic, id: msgId })}>{t("nav.trace")}</Link>
        <Link class="button" href={hrefOf(["lookback"], { topic, time: storeTimestamp })}>
          {t("message.lookback")}
        </Link>
      </div>
      <MessageFacts message={message} />
      {message.bodyProblem && <p class="note warn">{message.bodyProblem}</p>}
      <BodyView bytes={bytes} length={message.bodyLength} name={`${msgId}.body`} />
      <h3>{t("message.properties")}</h3>
      <Properties properties={message.properties} />
      <h3>{t("track.title")}</h3>
      <MessageTrack message={message} />
      {doing === "resend" && <ResendDialog message={message} onClose={() => setDoing(undefined)} />}
      {doing === "edit" && (
        <SendDialog
          topic={topic}
          message={message}
          onClose={() => setDoing(undefined)}
        />
      )}
    </div>
  );
}

function MessageFacts({ message }: { message: Message }) {
  const t = useText();
  const { compression, bodyLength, brokerName, queueId } = message;
  const size = formatBytes(bodyLength);
  const id = (text: string) => (
    <span class="copied">
      <code>{text}</code> <CopyButton text={text} />
    </span>
  );
  const topicLink = <Link href={hrefOf(["topics", message.topic])}>{message.topic}</Link>;
  return (
    <Facts
      rows={[
        [t("message.id"), id(message.msgId)],
        [t("message.offsetId"), id(message.offsetMsgId)],
        [t("messages.topic"), topicLink],
        [t("messages.tag"), message.tags ?? "–"],
        [t("messages.keys"), message.keys.join(" ") || "–"],
        [t("message.queue"), `${brokerName} · ${queueId}`],
        [t("message.queueOffset"), message.queueOffset],
        [t("message.physicalOffset"), message.physicalOffset],
        [t("message.born"), formatTime(message.bornTimestamp, true)],
        [t("message.bornHost"), message.bornHost],
        [t("message.stored"), formatTime(message.storeTimestamp, true)],
        [t("message.storeHost"), message.storeHost],
        [
          t("message.bodySize"),
          compression === undefined ? size : t("message.compressed", { size, kind: compression }),
        ],
        [t("message.reconsumed"), message.reconsumeTimes],
      ]}
    />
  );
}

function Properties({ properties }: { properties: Readonly<Record<string, string>> }) {
  const t = useText();
  const rows = Object.entries(properties);
  if (rows.length === 0) return <p class="quiet-text">{t("message.noProperties")}</p>;
  return (
    <Table
      label={t("message.properties")}
      rows={rows}
      rowKey={([name]) => name}
      columns={[
        { title: t("message.property"), cell: ([name]) => <code class="name">{name}</code> },
        {
          title: t("broker.value"),
          cell: ([, value]) => <span class="mono name" dir="auto">{value}</span>,
        },
      ]}
    />
  );
}
