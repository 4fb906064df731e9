/** Clients and their subscriptions as Java's tools read them. */

import type { SubscriptionData } from "../../client/protocol/heartbeat.ts";
import type { ClientInfo } from "./client_table.ts";

/** A SubscriptionData. */
export function subscriptionJson(subscription: SubscriptionData) {
  return {
    classFilterMode: subscription.classFilterMode,
    codeSet: [...subscription.codeSet],
    expressionType: subscription.expressionType,
    subString: subscription.subString,
    subVersion: subscription.subVersion,
    tagsSet: [...subscription.tagsSet],
    topic: subscription.topic,
  };
}

/** A Connection. */
export function connectionJson({ clientId, connection, language, version }: ClientInfo) {
  return { clientAddr: addressOf({ connection }), clientId, language, version };
}

/** A ProducerInfo. */
export function producerJson(client: ClientInfo) {
  return {
    clientId: client.clientId,
    language: client.language,
    lastUpdateTimestamp: client.lastUpdateTimestamp,
    // As Java prints a socket's address that has no name.
    remoteIP: `/${addressOf(client)}`,
    version: client.version,
  };
}

function addressOf({ connection: { remote } }: Pick<ClientInfo, "connection">): string {
  return `${remote.hostname}:${remote.port}`;
}
