/** The frame around every page: navigation, search, choices, and which page a URL shows. */

import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./components/dialog.tsx";
import { ToastProvider } from "./components/toast.tsx";
import { Page } from "./components/page.tsx";
import { useKey, useStored } from "./hooks.ts";
import { PAGES } from "./pages.tsx";
import { hrefOf } from "./router.ts";
import { LanguageProvider, Link, RouteProvider, useRoute, useText } from "./state.tsx";
import { type Language, preferredLanguage } from "./texts/text.ts";
import type { TextKey } from "./texts/all.ts";

export function App() {
  const [language, setLanguage] = useStored("language", preferredLanguage(navigator.languages));
  useEffect(() => void (document.documentElement.lang = language), [language]);
  return (
    <LanguageProvider value={language}>
      <RouteProvider>
        <ToastProvider>
          <Frame language={language} setLanguage={setLanguage} />
        </ToastProvider>
      </RouteProvider>
    </LanguageProvider>
  );
}

interface FrameProps {
  language: Language;
  setLanguage: (language: Language) => void;
}

function Frame(props: FrameProps) {
  const t = useText();
  const { path } = useRoute();
  const [isHelp, setHelp] = useState(false);
  const [isMenu, setMenu] = useState(false);
  useKey("?", () => setHelp(true));
  useEffect(() => setMenu(false), [path.join("/")]);
  return (
    <>
      <a class="skip" href="#content">{t("nav.skip")}</a>
      <header class="top">
        <button
          type="button"
          class="menu"
          aria-expanded={isMenu}
          aria-controls="nav"
          onClick={() => setMenu(!isMenu)}
        >
          <span aria-hidden="true">☰</span>
          <span class="unseen">{t("nav.menu")}</span>
        </button>
        <Link href="/" class="brand">
          <img src="/icon.svg" alt="" width={22} height={22} /> Comet
        </Link>
        <SearchBox />
        <button
          type="button"
          class="quiet"
          aria-label={t("help.title")}
          onClick={() => setHelp(true)}
        >
          ?
        </button>
      </header>
      <div class="frame">
        <Navigation isOpen={isMenu} {...props} />
        <CurrentPage />
      </div>
      {isHelp && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

/** The pages in the navigation, in parts. */
const NAVIGATION: readonly (readonly string[])[] = [
  [""],
  ["topics", "messages", "lookback", "trace"],
  ["groups", "dlq", "delayed", "transactions"],
  ["cluster", "clients"],
];

function Navigation({ isOpen, ...choices }: FrameProps & { isOpen: boolean }) {
  const t = useText();
  const { path: [current = ""] } = useRoute();
  return (
    <nav id="nav" class={isOpen ? "side open" : "side"} aria-label={t("nav.label")}>
      {NAVIGATION.map((part) => (
        <ul key={part[0]}>
          {part.map((name) => (
            <li key={name}>
              <Link href={`/${name}`} aria-current={name === current ? "page" : undefined}>
                {t(`nav.${name || "overview"}` as TextKey)}
              </Link>
            </li>
          ))}
        </ul>
      ))}
      <Choices {...choices} />
    </nav>
  );
}

function CurrentPage() {
  const t = useText();
  const { path: [name = "", id, ...rest] } = useRoute();
  const pages = PAGES[name];
  const View = id === undefined ? pages?.list : pages?.entry;
  if (View === undefined || rest.length > 0) return <Page title={t("state.notFound")}>{null}</Page>;
  return <View key={`${name}/${id ?? ""}`} id={id ?? ""} />;
}

/** Takes an id, a key, a topic's or a group's name; the search page finds out which. */
function SearchBox() {
  const t = useText();
  const { go, path, query } = useRoute();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  useKey("/", () => field.current?.focus());
  useEffect(() => {
    if (path[0] === "search") setText(query["q"] ?? "");
  }, [path[0], query["q"]]);
  return (
    <form
      role="search"
      class="search"
      onSubmit={(event) => {
        event.preventDefault();
        // The newest of what is typed, which may not have been rendered yet.
        const typed = field.current!.value.trim();
        if (typed !== "") go(hrefOf(["search"], { q: typed }));
      }}
    >
      <label class="unseen" for="search">{t("search.label")}</label>
      <input
        ref={field}
        id="search"
        type="search"
        placeholder={t("search.hint")}
        value={text}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

type Theme = "system" | "light" | "dark";

function Choices({ language, setLanguage }: FrameProps) {
  const t = useText();
  const [theme, setTheme] = useStored<Theme>("theme", "system");
  useEffect(() => {
    const { dataset } = document.documentElement;
    if (theme === "system") delete dataset["theme"];
    else dataset["theme"] = theme;
  }, [theme]);
  return (
    <div class="choices">
      <select
        aria-label={t("theme.label")}
        value={theme}
        onChange={(event) => setTheme(event.currentTarget.value as Theme)}
      >
        <option value="system">{t("theme.system")}</option>
        <option value="light">{t("theme.light")}</option>
        <option value="dark">{t("theme.dark")}</option>
      </select>
      <select
        aria-label={t("language.label")}
        value={language}
        onChange={(event) => setLanguage(event.currentTarget.value as Language)}
      >
        <option value="en">English</option>
        <option value="zh">中文</option>
      </select>
    </div>
  );
}

const KEYS: readonly (readonly [keys: string, text: TextKey])[] = [
  ["/", "help.search"],
  ["↑ ↓", "help.arrows"],
  ["Enter", "help.enter"],
  ["Esc", "help.escape"],
  ["?", "help.help"],
];

function Help({ onClose }: { onClose: () => void }) {
  const t = useText();
  return (
    <Dialog title={t("help.title")} onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{t(text)}</dd>
          </div>
        ))}
      </dl>
      <p>
        <a href="/api/docs">{t("help.api")}</a>
      </p>
    </Dialog>
  );
}
