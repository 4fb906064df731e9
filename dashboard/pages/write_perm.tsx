/** Sends producers away from a broker, and lets them come back. */

import { useState } from "preact/hooks";
import { api, read } from "../api.ts";
import { FormDialog } from "../components/dialog.tsx";
import { Badge } from "../components/page.tsx";
import { useToast } from "../components/toast.tsx";
import { useLoad } from "../hooks.ts";
import { useText } from "../state.tsx";

/** A topic that every broker has; name servers change the routes of all topics at once. */
const PROBE_TOPIC = "SELF_TEST_TOPIC";
const PERM_WRITE = 2;
const RELOAD_MILLIS = 5_000;

export function WritePerm({ name }: { name: string }) {
  const t = useText();
  const say = useToast();
  const [isAsking, setAsking] = useState(false);
  const route = useLoad(
    (signal) => {
      const args = { param: { topic: PROBE_TOPIC } };
      return read(api.topics[":topic"].route.$get(args, { init: { signal } }));
    },
    name,
    RELOAD_MILLIS,
  );
  const queues = route.data?.queueDatas;
  const own = queues?.find(({ brokerName }) => brokerName === name);
  const isStopped = own !== undefined && (own.perm & PERM_WRITE) === 0;
  const isOnly = queues?.every(({ brokerName }) => brokerName === name) ?? false;
  const title = t(isStopped ? "broker.allowWrites" : "broker.stopWrites");
  const change = async () => {
    const json = { writeable: isStopped };
    const answer = await read(api.brokers[":name"]["write-perm"].$put({ param: { name }, json }));
    const { topicCount: count } = answer;
    say(t(isStopped ? "broker.writesAllowed" : "broker.writesStopped", { count }));
    route.reload();
  };
  return (
    <>
      {isStopped && <Badge kind="warn">{t("broker.noWrites")}</Badge>}
      <button
        type="button"
        class={isStopped ? "primary" : "danger"}
        onClick={() => setAsking(true)}
      >
        {title}
      </button>
      {isAsking && (
        <FormDialog
          title={title}
          submitLabel={title}
          isDangerous={!isStopped}
          onSubmit={change}
          onClose={() => setAsking(false)}
        >
          <p>{t(isStopped ? "broker.allowWritesHelp" : "broker.stopWritesHelp")}</p>
          {!isStopped && isOnly && <p class="note warn">{t("broker.onlyBroker")}</p>}
        </FormDialog>
      )}
    </>
  );
}
