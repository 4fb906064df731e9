/** Which groups have consumed a message. */

import type { Message } from "../message.ts";

export function MessageTrack({ message }: { message: Message }) {
  return <p>{message.topic}</p>;
}
