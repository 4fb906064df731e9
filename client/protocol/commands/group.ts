/** Consumer groups of a broker: create, change, look at. */

import { RequestCode } from "../request_code.ts";
import { command, group } from "../header_schema.ts";

/** The body is a SubscriptionGroupConfig. */
export const UPDATE_AND_CREATE_SUBSCRIPTIONGROUP = command({
  name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
  code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  access: "CREATE",
  request: {},
});

/** The answer's body is all groups with their data version. */
export const GET_ALL_SUBSCRIPTIONGROUP_CONFIG = command({
  name: "GET_ALL_SUBSCRIPTIONGROUP_CONFIG",
  code: RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  access: "LIST",
  request: {},
});

/** The answer's body is a SubscriptionGroupConfig. */
export const GET_SUBSCRIPTIONGROUP_CONFIG = command({
  name: "GET_SUBSCRIPTIONGROUP_CONFIG",
  code: RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
  access: "GET",
  request: { group },
});
