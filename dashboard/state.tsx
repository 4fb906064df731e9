/** What all pages share: the place that is shown, the language, and what is said to the user in passing. */

import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useEffect, useMemo, useState } from "preact/hooks";
import { changedQuery, hrefOf, parsePlace, type Place, type QueryChange } from "./router.ts";
import { type TextKey, translate } from "./texts/all.ts";
import type { Language, TextValues } from "./texts/text.ts";

export interface Route extends Place {
  /** Goes to a URL of the dashboard; as a new step in the browser's history, or in place of the present one. */
  go(href: string, step?: "push" | "replace"): void;
  /** Changes the query of the present place; by itself no step in the history. */
  setQuery(change: QueryChange, step?: "push" | "replace"): void;
}

const RouteContext = createContext<Route | undefined>(undefined);
const LanguageContext = createContext<Language>("en");

/** The place that is shown. */
export function useRoute(): Route {
  const route = useContext(RouteContext);
  if (route === undefined) throw new Error("useRoute is for what is in a RouteProvider");
  return route;
}

/** Follows the browser's URL. */
export function RouteProvider({ children }: { children: ComponentChildren }) {
  const [place, setPlace] = useState(currentPlace);
  useEffect(() => {
    const follow = () => setPlace(currentPlace());
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);
  const go = useCallback<Route["go"]>((href, step = "push") => {
    const isOtherPage = new URL(href, location.href).pathname !== location.pathname;
    history[step === "push" ? "pushState" : "replaceState"](null, "", href);
    setPlace(currentPlace());
    if (isOtherPage) scrollTo(0, 0);
  }, []);
  const setQuery = useCallback<Route["setQuery"]>((change, step = "replace") => {
    const now = currentPlace();
    go(hrefOf(now.path, changedQuery(now.query, change)), step);
  }, [go]);
  const route = useMemo(() => ({ ...place, go, setQuery }), [place]);
  return <RouteContext.Provider value={route}>{children}</RouteContext.Provider>;
}

function currentPlace(): Place {
  return parsePlace(location.pathname, location.search);
}

export interface LinkProps {
  href: string;
  class?: string;
  children: ComponentChildren;
  title?: string;
  "aria-current"?: "page" | undefined;
}

/** A link inside the dashboard; with a modifier key or the middle button it is the browser's. */
export function Link(props: LinkProps) {
  const { go } = useRoute();
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(props.href);
  };
  return <a {...props} onClick={follow} />;
}

export const LanguageProvider = LanguageContext.Provider;

export type Translate = (key: TextKey, values?: TextValues) => string;

/** The texts of the user's language: `t("action.save")`. */
export function useText(): Translate {
  const language = useContext(LanguageContext);
  return useCallback((key, values) => translate(language, key, values), [language]);
}
