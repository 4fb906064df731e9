/** Brokers of which an answer says nothing. */

export interface Failure {
  readonly brokerName: string;
  readonly brokerAddr: string;
  readonly detail: string;
}

/** One note for each; nothing when every broker has answered. */
export function Failures({ failures }: { failures: readonly Failure[] }) {
  return (
    <>
      {failures.map(({ brokerName, brokerAddr, detail }) => (
        <p key={brokerAddr} class="note warn" role="alert">
          {brokerName} ({brokerAddr}): {detail}
        </p>
      ))}
    </>
  );
}
