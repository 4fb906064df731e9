/** One client: where it is, what it is made of, its groups, and how much it does. */

import { api, read } from "../api.ts";
import { Dialog } from "../components/dialog.tsx";
import { Await, Facts } from "../components/page.tsx";
import { formatRate } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { hrefOf } from "../router.ts";
import { Link, useText } from "../state.tsx";

/** As the API gives it. */
export interface ClientRow {
  clientId: string;
  clientAddr: string;
  language: string;
  version: string;
  brokerNames: string[];
  producerGroups: string[];
  consumerGroups: string[];
  /** Absent for those that do not say it. */
  rates?: { pullTps: number; consumeOkTps: number; consumeFailedTps: number } | undefined;
}

const RELOAD_MILLIS = 3_000;

export function ClientDialog({ clientId, onClose }: { clientId: string; onClose: () => void }) {
  const t = useText();
  const found = useLoad(
    async (signal) => {
      // The search takes what contains the id too.
      const query = { search: clientId, rates: "true" as const };
      const { items } = await read(api.clients.$get({ query }, { init: { signal } }));
      return items.filter((client) => client.clientId === clientId);
    },
    clientId,
    RELOAD_MILLIS,
  );
  return (
    <Dialog title={clientId} onClose={onClose}>
      <div class="stack">
        <Await of={found}>
          {([client]) =>
            client === undefined
              ? <p class="note warn">{t("clients.gone", { client: clientId })}</p>
              : <ClientFacts client={client} />}
        </Await>
      </div>
    </Dialog>
  );
}

function ClientFacts({ client }: { client: ClientRow }) {
  const t = useText();
  const { rates, consumerGroups, producerGroups } = client;
  const rate = (perSecond: number) => formatRate(perSecond) + t("unit.perSecond");
  return (
    <>
      <Facts
        rows={[
          [t("members.address"), client.clientAddr],
          [t("members.language"), client.language],
          [t("members.version"), client.version],
          [t("cluster.brokers"), client.brokerNames.join(", ")],
        ]}
      />
      {consumerGroups.length > 0 && (
        <>
          <h3>{t("clients.consumerGroups")}</h3>
          <ul class="names">
            {consumerGroups.map((group) => (
              <li key={group}>
                <Link href={hrefOf(["groups", group], { tab: "members" })}>{group}</Link>
              </li>
            ))}
          </ul>
        </>
      )}
      {producerGroups.length > 0 && (
        <>
          <h3>{t("clients.producerGroups")}</h3>
          <ul class="names">{producerGroups.map((group) => <li key={group}>{group}</li>)}</ul>
        </>
      )}
      {rates === undefined ? <p class="quiet-text">{t("clients.noRates")}</p> : (
        <Facts
          rows={[
            [t("clients.pulls"), rate(rates.pullTps)],
            [t("clients.rates"), rate(rates.consumeOkTps)],
            [t("clients.fails"), rate(rates.consumeFailedTps)],
          ]}
        />
      )}
    </>
  );
}
