/** Is everything well? */

import { api, read } from "../api.ts";
import { Await, Page } from "../components/page.tsx";
import { useLoad } from "../hooks.ts";
import { useText } from "../state.tsx";

export function OverviewPage() {
  const t = useText();
  const cluster = useLoad((signal) => read(api.cluster.$get({}, { init: { signal } })), "cluster");
  return (
    <Page title={t("nav.overview")}>
      <Await of={cluster}>
        {(cluster) => <p>{cluster.brokers.map(({ brokerName }) => brokerName)}</p>}
      </Await>
    </Page>
  );
}
