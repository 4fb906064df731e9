/** Windows over the page: the browser's own dialog element, which keeps the focus and closes on Escape. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { useAction } from "../hooks.ts";
import { useText } from "../state.tsx";
import { ErrorNote, TextField } from "./form.tsx";

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  isWide?: boolean;
}

/** Is open as long as it is rendered. */
export function Dialog({ title, onClose, children, isWide }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const t = useText();
  useEffect(() => ref.current?.showModal(), []);
  return (
    <dialog ref={ref} class={isWide ? "broad" : undefined} aria-labelledby={id} onClose={onClose}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="quiet" aria-label={t("action.close")} onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </header>
      {children}
    </dialog>
  );
}

export interface FormDialogProps extends DialogProps {
  submitLabel: string;
  /** Throws when it did not work; then the dialog stays, with the reason and with what was typed. */
  onSubmit: () => Promise<void>;
  isDangerous?: boolean;
  isReady?: boolean;
}

/** A dialog that does something and then closes. */
export function FormDialog(props: FormDialogProps) {
  const { onSubmit, onClose, submitLabel, isDangerous, isReady = true, children } = props;
  const t = useText();
  const { run, isRunning, error } = useAction(async () => {
    await onSubmit();
    onClose();
  });
  return (
    <Dialog {...props}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        {children}
        <ErrorNote error={error} />
        <footer>
          <button type="button" onClick={onClose}>{t("action.cancel")}</button>
          <button
            type="submit"
            class={isDangerous ? "danger" : "primary"}
            disabled={isRunning || !isReady}
          >
            {submitLabel}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

export interface ConfirmNameProps extends Omit<FormDialogProps, "isDangerous" | "isReady"> {
  /** What has to be typed. */
  name: string;
}

/** For what cannot be undone: the name has to be typed. */
export function ConfirmName({ name, children, ...props }: ConfirmNameProps) {
  const [typed, setTyped] = useState("");
  const t = useText();
  return (
    <FormDialog {...props} isDangerous isReady={typed === name}>
      {children}
      <TextField
        label={t("confirm.type", { name })}
        value={typed}
        onChange={setTyped}
        isMono
        autoFocus
      />
    </FormDialog>
  );
}
