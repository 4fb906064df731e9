import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { portsOf } from "../../server/command_line.ts";
import { splitAddress } from "../../server/setting.ts";
import { deployed, interpolated } from "../helpers/deployed.ts";
import { parseDockerfile, wordsOf } from "../helpers/dockerfile.ts";

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  ports: string[];
  volumes: string[];
  read_only: boolean;
  depends_on?: string[];
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
}

const image = parseDockerfile(Deno.readTextFileSync("Dockerfile")).at(-1)!;
const imageEnvironment = { COMET_STORE_PATH_ROOT_DIR: wordsOf(image, "VOLUME")[0]! };

function read(file: string): Compose {
  return parse(Deno.readTextFileSync(file), { merge: true });
}

function startOf({ command = wordsOf(image, "CMD"), environment = {} }: Service) {
  const values = Object.entries(environment).map(([key, value]) => [key, interpolated(value)]);
  return deployed(command, { ...imageEnvironment, ...Object.fromEntries(values) });
}

/** The two ports of a mapping, "[address:]outside:inside". */
function mapping(text: string): { outside: number; inside: number } {
  const [inside, outside] = text.split(":").toReversed().map(Number);
  return { outside: outside!, inside: inside! };
}

for (const file of ["compose.yaml", "compose.cluster.yaml"]) {
  const { services, volumes } = read(file);
  const HTTP = 8080;

  Deno.test(`${file}: every service maps the ports that it listens on to themselves`, () => {
    for (const [name, service] of Object.entries(services)) {
      const { ports } = startOf(service);
      const mapped = service.ports.map(mapping);
      for (const { outside, inside } of mapped) {
        assert(ports.includes(inside), `${name} does not listen on ${inside}`);
        // Clients are told the address with the port that the broker has.
        assertEquals(outside, inside, name);
      }
      const needed = ports.filter((port) => port !== HTTP);
      assertEquals(
        mapped.map(({ inside }) => inside).filter((port) => port !== HTTP).toSorted(),
        [
          ...needed,
        ].toSorted(),
      );
    }
  });

  Deno.test(`${file}: no two services want one port of the machine, one volume or one name`, () => {
    const all = Object.values(services);
    const outside = all.flatMap(({ ports }) => ports.map((port) => mapping(port).outside));
    assertEquals(new Set(outside).size, outside.length);
    const used = all.flatMap((service) => service.volumes.map((volume) => volume.split(":")));
    assertEquals(used.map(([name]) => name!).toSorted(), Object.keys(volumes).toSorted());
    for (const [, path] of used) assertEquals(path, imageEnvironment.COMET_STORE_PATH_ROOT_DIR);
    const brokers = all.map(startOf).filter(({ role }) => role !== "namesrv");
    const names = brokers.map(({ config }) => config.brokerName);
    assertEquals(new Set(names).size, names.length);
    for (const { config } of brokers) assertEquals(config.brokerIP1, "127.0.0.1");
  });

  Deno.test(`${file}: brokers register at services that are name servers`, () => {
    for (const service of Object.values(services)) {
      const { role, config } = startOf(service);
      if (role !== "broker") continue;
      const addresses = config.namesrvAddr.split(";").map((address) => splitAddress(address)!);
      assertEquals(addresses.map(({ host }) => host), service.depends_on);
      for (const { host, port } of addresses) {
        const other = startOf(services[host]!);
        assertEquals(other.role, "namesrv");
        assert(Object.values(portsOf("namesrv", other.config)).includes(port!));
      }
    }
  });

  Deno.test(`${file}: the root file system is read-only`, () => {
    for (const { read_only } of Object.values(services)) assertEquals(read_only, true);
  });
}
