/** Short words on what has just been done. */

import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";

const SHOWN_MILLIS = 5_000;

type Say = (text: string) => void;

const ToastContext = createContext<Say>(() => {});

/** `const say = useToast(); say("Topic created")`. */
export function useToast(): Say {
  return useContext(ToastContext);
}

/** Shows the last word for a while; screen readers read it out. */
export function ToastProvider({ children }: { children: ComponentChildren }) {
  const [toast, setToast] = useState<{ text: string }>();
  const say = useCallback((text: string) => setToast({ text }), []);
  useEffect(() => {
    const timer = setTimeout(() => setToast(undefined), SHOWN_MILLIS);
    return () => clearTimeout(timer);
  }, [toast]);
  return (
    <ToastContext.Provider value={say}>
      {children}
      <div class="toasts" role="status">{toast && <p class="toast">{toast.text}</p>}</div>
    </ToastContext.Provider>
  );
}
