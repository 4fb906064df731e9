/** Fields with a label, and what went wrong. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface FieldProps<T> {
  label: string;
  value: T;
  onChange: (value: T) => void;
  /** What to know before filling it in. */
  help?: ComponentChildren;
  required?: boolean;
  disabled?: boolean;
}

interface TextFieldProps extends FieldProps<string> {
  type?: "text" | "search" | "datetime-local" | "number";
  placeholder?: string;
  pattern?: string;
  maxLength?: number;
  min?: number;
  max?: number;
  step?: number;
  list?: readonly string[];
  isMono?: boolean;
  autoFocus?: boolean;
  /** The label is for screen readers only. */
  isBare?: boolean;
}

/** One line. */
export function TextField(props: TextFieldProps) {
  const { label, value, onChange, help, list, isMono, isBare, type = "text", ...rest } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={isBare ? "unseen" : undefined}>{label}</label>
      <input
        {...rest}
        id={id}
        type={type}
        value={value}
        class={isMono ? "mono" : undefined}
        autoComplete="off"
        spellcheck={false}
        step={props.step ?? (type === "datetime-local" ? 1 : undefined)}
        list={list && `${id}-list`}
        aria-describedby={help ? `${id}-help` : undefined}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((entry) => <option key={entry} value={entry} />)}
        </datalist>
      )}
      {help && <small id={`${id}-help`}>{help}</small>}
    </div>
  );
}

/** Several lines. */
export function AreaField({ label, value, onChange, help, rows = 6, ...rest }:
  & FieldProps<string>
  & { rows?: number }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea
        {...rest}
        id={id}
        rows={rows}
        value={value}
        class="mono"
        spellcheck={false}
        aria-describedby={help ? `${id}-help` : undefined}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      {help && <small id={`${id}-help`}>{help}</small>}
    </div>
  );
}

/** One of a few. */
export function SelectField<T extends string>({ label, value, onChange, help, options, isBare }:
  & FieldProps<T>
  & { options: readonly (readonly [value: T, title: string])[]; isBare?: boolean }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={isBare ? "unseen" : undefined}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => onChange(event.currentTarget.value as T)}
      >
        {options.map(([option, title]) => <option key={option} value={option}>{title}</option>)}
      </select>
      {help && <small id={`${id}-help`}>{help}</small>}
    </div>
  );
}

/** Yes or no. */
export function CheckField({ label, value, onChange }: FieldProps<boolean>) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={value}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

/** What went wrong, in the words of who refused; nothing when all is well. */
export function ErrorNote({ error }: { error: Error | undefined }) {
  return error === undefined ? null : <p class="note bad" role="alert">{error.message}</p>;
}
