import { assertEquals } from "@std/assert";
import {
  advertiseReached,
  asRegistered,
  guessHostname,
} from "../../../server/namesrv/advertised_address.ts";

const advertise = advertiseReached(new Set(["10.0.0.5:10911", "[2001:db8::5]:10931"]));

Deno.test("advertiseReached() tells loopback when the client came over loopback", () => {
  assertEquals(advertise("10.0.0.5:10911", "127.0.0.1"), "127.0.0.1:10911");
  assertEquals(advertise("10.0.0.5:10911", "::1"), "[::1]:10911");
});

Deno.test("advertiseReached() tells the address that was reached when the client came from outside", () => {
  assertEquals(advertise("10.0.0.5:10911", "192.168.7.2"), "192.168.7.2:10911");
  assertEquals(advertise("10.0.0.5:10911", "2001:db8::9"), "[2001:db8::9]:10911");
  assertEquals(advertise("[2001:db8::5]:10931", "192.168.7.2"), "192.168.7.2:10931");
});

Deno.test("advertiseReached() tells what was registered when the broker is another process", () => {
  assertEquals(advertise("10.0.0.6:10911", "127.0.0.1"), "10.0.0.6:10911");
});

Deno.test("advertiseReached() tells what was registered when the reached address is of no use", () => {
  for (const hostname of ["0.0.0.0", "::", "fe80::1%eth0", ""]) {
    assertEquals(advertise("10.0.0.5:10911", hostname), "10.0.0.5:10911");
  }
});

Deno.test("advertiseReached() tells the client's own end when a listener on 0.0.0.0 is reached", async () => {
  using listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using accepted = await listener.accept();
  assertEquals(client.remoteAddr.hostname, "127.0.0.1");
  assertEquals(advertise("10.0.0.5:10911", accepted.localAddr.hostname), "127.0.0.1:10911");
});

Deno.test("asRegistered() tells everybody what was registered", () => {
  assertEquals(asRegistered("broker.example:20911", "127.0.0.1"), "broker.example:20911");
});

Deno.test("guessHostname() takes the first address that leads outside", () => {
  const [lo, docker, link, eth6, eth4] = [
    { name: "lo", family: "IPv4", address: "127.0.0.1" },
    { name: "docker0", family: "IPv4", address: "172.17.0.1" },
    { name: "eth0", family: "IPv6", address: "fe80::1" },
    { name: "eth0", family: "IPv6", address: "2001:db8::7" },
    { name: "eth0", family: "IPv4", address: "192.168.1.7" },
  ] as const;
  assertEquals(guessHostname([lo, docker, link, eth6, eth4]), "192.168.1.7");
  assertEquals(guessHostname([lo, docker, link, eth6]), "2001:db8::7");
  assertEquals(guessHostname([lo, docker, link]), "127.0.0.1");
});
