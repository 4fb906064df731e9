/** What pages are built with: loading, acting, keys, settings that the browser remembers. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Loaded<T> {
  /** The newest that could be loaded; stays when a later load fails. */
  readonly data: T | undefined;
  readonly error: Error | undefined;
  readonly isLoading: boolean;
  /** Loads again, at once. */
  reload(): void;
}

/** How long to wait before what failed is tried again, when it is loaded just once. */
const RETRY_MILLIS = 1_000;

/**
 * Loads at once, when `key` changes, and then again every so often while the page can be seen.
 * @param load stops when its signal does.
 * @param key says what is loaded; data of another key stay until the new ones are there.
 */
export function useLoad<T>(
  load: (signal: AbortSignal) => Promise<T>,
  key: string,
  everyMillis = 0,
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>(NOTHING_LOADED);
  const [round, setRound] = useState(0);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async () => {
      setState((before) => ({ ...before, isLoading: true }));
      let error: Error | undefined;
      try {
        const data = await latest.current(signal);
        if (signal.aborted) return;
        setState({ data, error: undefined, isLoading: false });
      } catch (failure) {
        if (signal.aborted) return;
        error = failure as Error;
        setState(({ data }) => ({ data, error, isLoading: false }));
      }
      const isGone = error !== undefined && "status" in error && error.status === 0;
      const pause = everyMillis || (isGone ? RETRY_MILLIS : 0);
      if (pause > 0) timer = setTimeout(runWhenSeen, pause);
    };
    const runWhenSeen = () => {
      if (!document.hidden) return void run();
      document.addEventListener("visibilitychange", runWhenSeen, { once: true, signal });
    };
    run();
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [key, round, everyMillis]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  return { ...state, reload };
}

const NOTHING_LOADED = { data: undefined, error: undefined, isLoading: true };

export interface Action<A extends unknown[]> {
  readonly isRunning: boolean;
  /** Of the last run. */
  readonly error: Error | undefined;
  /** Does nothing while it runs. Resolves to whether it worked. */
  run(...args: A): Promise<boolean>;
}

/** Something that the user starts: runs once at a time, keeps its error. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>): Action<A> {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<Error>();
  const run = async (...args: A) => {
    if (isRunning) return false;
    setRunning(true);
    setError(undefined);
    try {
      await act(...args);
      return true;
    } catch (failure) {
      setError(failure as Error);
      return false;
    } finally {
      setRunning(false);
    }
  };
  return { isRunning, error, run };
}

/** Calls back when a key is pressed outside of fields. */
export function useKey(key: string, onKey: (event: KeyboardEvent) => void): void {
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const isField = (event.target as Element).closest("input, textarea, select, dialog") !== null;
      if (event.key !== key || isField || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      latest.current(event);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [key]);
}

/** A choice that the browser remembers. */
export function useStored<T extends string>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState(() => (localStorage.getItem(name) as T | null) ?? initial);
  const store = (next: T) => {
    localStorage.setItem(name, next);
    setValue(next);
  };
  return [value, store];
}

/** The value once it has not changed for a while, so that typing does not ask at each letter. */
export function useSettled<T>(value: T, millis = 200): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), millis);
    return () => clearTimeout(timer);
  }, [value, millis]);
  return settled;
}
