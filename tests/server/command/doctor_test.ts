import { assertEquals } from "@std/assert";
import { mountOf } from "../../../server/command/doctor/mounts.ts";
import { fail, ok } from "../../../server/command/doctor/finding.ts";
import { doctorText } from "../../../server/command/doctor_command.ts";

const MOUNTINFO = `21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:26 / /srv rw,relatime shared:5 - nfs4 server:/srv rw,vers=4.2
31 30 0:27 / /srv/my\\040disk rw,relatime - xfs /dev/vdb rw
32 21 0:28 / /srv/my\\040disk rw,relatime master:2 propagate_from:1 - tmpfs tmpfs rw
`;

Deno.test("mountOf() finds the nearest mount above a folder, the last of several in one place", () => {
  assertEquals(mountOf("/var/lib", MOUNTINFO), { mountPoint: "/", type: "ext4" });
  assertEquals(mountOf("/srv/mq/data", MOUNTINFO), { mountPoint: "/srv", type: "nfs4" });
  assertEquals(mountOf("/srvother", MOUNTINFO)?.type, "ext4");
  assertEquals(mountOf("/srv/my disk/a", MOUNTINFO), {
    mountPoint: "/srv/my disk",
    type: "tmpfs",
  });
  assertEquals(mountOf("/", ""), undefined);
});

Deno.test("doctorText() puts what to do below what was found", () => {
  const text = doctorText([
    ok("lock", "free"),
    fail("port 1", "another program has it", "stop it"),
  ]);
  assertEquals(
    text,
    `ok    lock    free
fail  port 1  another program has it
              -> stop it

1 ok, 0 warnings, 1 failures
`,
  );
});
