import { assertEquals } from "@std/assert";
import { command } from "../../client/protocol/header_schema.ts";
import { RequestCode, type RequestCodeName } from "../../client/protocol/request_code.ts";
import { REQUEST_STATES } from "../../client/protocol/request_state.ts";
import { ResponseCode } from "../../client/protocol/response_code.ts";
import { startComet, TestClient } from "../helpers/comet.ts";

Deno.test("every request code is served exactly by whom the table says", async () => {
  await using comet = await startComet(Deno.makeTempDirSync());
  const sides = { "broker": comet.brokerPort, "name server": comet.namesrvPort } as const;
  for (const [side, port] of Object.entries(sides)) {
    await using client = new TestClient(port);
    for (const [name, code] of Object.entries(RequestCode)) {
      const row = REQUEST_STATES[name as RequestCodeName];
      // Without fields: a handler that is there refuses them, one that is not has another code for it.
      const response = await client.invoke(command({ name, code, access: "ANY", request: {} }), {});
      const answered = response.code !== ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
      // The name server has a handler for this one, which says no.
      const refusedByHandler = name === "UPDATE_NAMESRV_CONFIG" && side === "name server";
      const expected = (row.state === "served" && row.side === side) || refusedByHandler;
      assertEquals(answered, expected, `${side}, ${name}: ${response.remark}`);
    }
  }
});
