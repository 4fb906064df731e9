import { useState } from "preact/hooks";
import { useText } from "../state.tsx";

const SHOWN_MILLIS = 1_500;

/** Puts a text on the clipboard, and says so. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  const t = useText();
  const copy = async () => {
    await writeClipboard(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MILLIS);
  };
  return (
    <button type="button" class="copy" onClick={copy}>
      {isCopied ? t("action.copied") : label ?? t("action.copy")}
    </button>
  );
}

/** Browsers open the clipboard to secure pages only; elsewhere a selection is copied. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  // In the window that is open, which keeps the focus.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
