/** Which groups have consumed a message. */

import { api, read } from "../api.ts";
import { Await, Badge } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { useLoad } from "../hooks.ts";
import type { Message } from "../message.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";

export function MessageTrack({ message }: { message: Message }) {
  const t = useText();
  const { offsetMsgId: id, topic } = message;
  const tracks = useLoad((signal) => {
    const args = { param: { id }, query: { topic } };
    return read(api.messages[":id"].track.$get(args, { init: { signal } }));
  }, id);
  return (
    <Await of={tracks}>
      {({ tracks }) =>
        tracks.length === 0 ? <p class="quiet-text">{t("track.none")}</p> : (
          <Table
            label={t("track.title")}
            rows={tracks}
            rowKey={({ group }) => group}
            columns={[
              {
                title: t("groups.name"),
                cell: ({ group }) => <Link href={hrefOf(["groups", group])}>{group}</Link>,
              },
              {
                title: t("track.state"),
                cell: ({ trackType, exceptionDesc }) => (
                  <>
                    <Badge kind={/^CONSUMED/.test(trackType) ? "ok" : "plain"}>{trackType}</Badge>
                    {" "}
                    <small>{exceptionDesc}</small>
                  </>
                ),
              },
              {
                title: t("track.passed"),
                cell: ({ isPassed }) => isPassed === undefined ? "–" : isPassed ? "✓" : "✗",
              },
            ]}
          />
        )}
    </Await>
  );
}
