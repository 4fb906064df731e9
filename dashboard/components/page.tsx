/** What pages are laid out with. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { UNREACHABLE } from "../api.ts";
import type { Loaded } from "../hooks.ts";
import { Link, useText } from "../state.tsx";
import { CopyButton } from "./copy.tsx";

export interface PageProps {
  title: string;
  /** Says what the page is for, where its title does not. */
  lead?: ComponentChildren;
  /** The list that this page is one entry of. */
  parent?: { href: string; title: string };
  actions?: ComponentChildren;
  children: ComponentChildren;
}

/** A page with its heading, which names the browser's tab too. */
export function Page({ title, lead, parent, actions, children }: PageProps) {
  useEffect(() => void (document.title = `${title} · Comet`), [title]);
  return (
    <main id="content" tabIndex={-1}>
      <header class="page-head">
        <div>
          {parent && (
            <p class="crumb">
              <Link href={parent.href}>{parent.title}</Link>
            </p>
          )}
          <h1>{title}</h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </main>
  );
}

export interface PanelProps {
  title?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}

/** A framed part of a page. */
export function Panel({ title, actions, children, class: name = "" }: PanelProps) {
  return (
    <section class={`panel ${name}`}>
      {(title || actions) && (
        <header>
          <h2>{title}</h2>
          {actions && <div class="actions">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** What was loaded, or why it is not there. A failed reload leaves what there is, and says so. */
export function Await<T>({ of: loaded, children }: {
  of: Loaded<T>;
  children: (data: T) => ComponentChildren;
}) {
  const t = useText();
  const { data, error, reload } = loaded;
  return (
    <>
      {error && (
        <div class="note bad" role="alert">
          <span>{isUnreachable(error) ? t("state.unreachable") : error.message}</span>
          <button type="button" onClick={reload}>{t("action.retry")}</button>
        </div>
      )}
      {data === undefined
        ? !error && <p class="quiet-text" aria-busy="true">{t("state.loading")}</p>
        : children(data)}
    </>
  );
}

function isUnreachable(error: Error): boolean {
  return "status" in error && error.status === UNREACHABLE;
}

/** What to do where there is nothing yet; commands can be copied. */
export function Empty({ title, children, command }: {
  title: string;
  children?: ComponentChildren;
  command?: string;
}) {
  return (
    <div class="empty">
      <h3>{title}</h3>
      {children}
      {command && <Command text={command} />}
    </div>
  );
}

/** Something to run or paste, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}

/** A word in a coloured frame; the word alone says it too. */
export function Badge({ kind = "plain", children }: {
  kind?: "plain" | "ok" | "warn" | "bad" | "accent";
  children: ComponentChildren;
}) {
  return <span class={`badge ${kind}`}>{children}</span>;
}

/** Names with values below each other. */
export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface TabsProps {
  label: string;
  tabs: readonly { id: string; title: string; href: string }[];
  current: string;
}

/** The parts of a page that is too long for one look; each has a URL. */
export function Tabs({ label, tabs, current }: TabsProps) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ id, title, href }) => (
        <Link key={id} href={href} aria-current={id === current ? "page" : undefined}>{title}</Link>
      ))}
    </nav>
  );
}
