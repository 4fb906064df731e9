/** What the server tells by itself, over the WebSocket /api/live. */

import { useEffect, useRef, useState } from "preact/hooks";

/** What is watched: `{ feed: "cluster" }`, or as the API's reference has it. */
export type Feed = Readonly<Record<string, unknown>> & { readonly feed: string };

export interface LiveHandlers<T> {
  onData: (data: T) => void;
  /** So much was left out, because it came too fast. */
  onDropped?: (count: number) => void;
}

export interface LiveState {
  /** Connected, and nothing was refused. */
  readonly isOpen: boolean;
  /** Why the server does not tell. */
  readonly problem: string | undefined;
}

type Answer<T> =
  | { type: "subscribed" }
  | { type: "data"; data: T }
  | { type: "dropped"; count: number }
  | { type: "problem"; detail: string };

const RETRY_MILLIS = 1_000;

/** Watches one feed, and connects again when the connection ends; undefined watches nothing. */
export function useLive<T>(feed: Feed | undefined, handlers: LiveHandlers<T>): LiveState {
  const [state, setState] = useState<LiveState>({ isOpen: false, problem: undefined });
  const latest = useRef(handlers);
  latest.current = handlers;
  const request = feed === undefined ? "" : JSON.stringify({ type: "subscribe", id: "1", ...feed });
  useEffect(() => {
    if (request === "") return;
    let socket: WebSocket;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isEnded = false;
    const connect = () => {
      socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/live`);
      socket.onopen = () => {
        setState({ isOpen: true, problem: undefined });
        socket.send(request);
      };
      socket.onmessage = ({ data }) => {
        const answer = JSON.parse(data) as Answer<T>;
        if (answer.type === "data") latest.current.onData(answer.data);
        else if (answer.type === "dropped") latest.current.onDropped?.(answer.count);
        else if (answer.type === "problem") setState({ isOpen: false, problem: answer.detail });
      };
      socket.onclose = () => {
        if (isEnded) return;
        setState(({ problem }) => ({ isOpen: false, problem }));
        timer = setTimeout(connect, RETRY_MILLIS);
      };
    };
    connect();
    return () => {
      isEnded = true;
      clearTimeout(timer);
      socket.close();
    };
  }, [request]);
  return state;
}
