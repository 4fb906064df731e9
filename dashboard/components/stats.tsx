/** A row of figures. */

import type { ComponentChildren } from "preact";

export interface Stat {
  readonly label: string;
  readonly value: ComponentChildren;
  /** Below the figure. */
  readonly note?: ComponentChildren;
  readonly kind?: "bad" | "warn" | undefined;
}

export function Stats({ rows }: { rows: readonly Stat[] }) {
  return (
    <dl class="stats">
      {rows.map(({ label, value, note, kind }) => (
        <div key={label} class={`stat ${kind ?? ""}`}>
          <dt>{label}</dt>
          <dd>{value}</dd>
          <dd class="under">{note}</dd>
        </div>
      ))}
    </dl>
  );
}
