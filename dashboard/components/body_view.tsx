/** A message's body as text, JSON or hexadecimal, always as text of the page and never as markup. */

import { useMemo, useState } from "preact/hooks";
import { formatBytes, hexDump, prettyJson } from "../format.ts";
import { bodyText } from "../message.ts";
import { useText } from "../state.tsx";
import { CopyButton } from "./copy.tsx";
import { downloadBytes } from "./download.ts";

/** More than that makes a page slow and is read by nobody. */
const SHOWN_BYTES = 262_144;
const SHOWN_HEX_BYTES = 65_536;

type Form = "json" | "text" | "hex";

export interface BodyViewProps {
  bytes: Uint8Array<ArrayBuffer>;
  /** Of the whole body, of which `bytes` may be the beginning. */
  length: number;
  /** The name for a download. */
  name: string;
}

export function BodyView({ bytes, length, name }: BodyViewProps) {
  const t = useText();
  const forms = useMemo(() => formsOf(bytes, length), [bytes]);
  const [chosen, setChosen] = useState<Form>();
  if (length === 0) return <p class="quiet-text">{t("body.empty")}</p>;
  const form = chosen ??
    (forms.json !== undefined ? "json" : forms.text !== undefined ? "text" : "hex");
  const text = forms[form] ?? "";
  const shown = Math.min(bytes.length, form === "hex" ? SHOWN_HEX_BYTES : SHOWN_BYTES);
  return (
    <div class="body-view">
      <header>
        <div class="segmented">
          {(["json", "text", "hex"] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === form}
              disabled={forms[each] === undefined}
              onClick={() => setChosen(each)}
            >
              {t(`body.${each}`)}
            </button>
          ))}
        </div>
        <CopyButton text={text} />
        <button type="button" class="copy" onClick={() => downloadBytes(bytes, name)}>
          {t("action.download")}
        </button>
        {shown < length && (
          <small>
            {t("body.cut", { shown: formatBytes(shown), total: formatBytes(length) })}
          </small>
        )}
      </header>
      <pre class={form} dir="auto" tabIndex={0}>{text}</pre>
    </div>
  );
}

function formsOf(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
): Record<Form, string | undefined> {
  const part = bytes.subarray(0, SHOWN_BYTES);
  const text = bodyText(part, part.length < length);
  const isWhole = part.length === length;
  return {
    text,
    json: text !== undefined && isWhole ? prettyJson(text) : undefined,
    hex: hexDump(bytes.subarray(0, SHOWN_HEX_BYTES)),
  };
}
