import { assert, assertEquals } from "@std/assert";
import { parseAllDocuments } from "yaml";
import { deployed } from "../helpers/deployed.ts";
import { parseDockerfile, textsOf, wordsOf } from "../helpers/dockerfile.ts";

interface Port {
  name: string;
  port?: number;
  containerPort?: number;
}

interface Container {
  args: string[];
  env: { name: string; value?: string; valueFrom?: unknown }[];
  ports: Port[];
  readinessProbe: { httpGet: { path: string; port: string } };
  livenessProbe: { httpGet: { path: string; port: string } };
  volumeMounts: { name: string; mountPath: string }[];
  securityContext: { readOnlyRootFilesystem: boolean };
}

const documents = parseAllDocuments(Deno.readTextFileSync("deploy/kubernetes.yaml"));
const [service, set] = documents.map((document) => {
  assertEquals(document.errors, []);
  return document.toJS();
});
const pod = set.spec.template.spec;
const container: Container = pod.containers[0];
const image = parseDockerfile(Deno.readTextFileSync("Dockerfile")).at(-1)!;

Deno.test("kubernetes.yaml: the pod listens on the ports that it and the service name", () => {
  const given = Object.fromEntries(
    container.env.filter(({ name }) => name.startsWith("COMET_"))
      // What Kubernetes puts in place of $(NAME) is a name in DNS.
      .map(({ name, value = "" }) => [name, value.replace(/\$\(\w+\)/g, "comet-0")]),
  );
  const { ports, config } = deployed(container.args, given);
  assertEquals(
    container.ports.map(({ containerPort }) => containerPort!).toSorted(),
    ports.toSorted(),
  );
  assertEquals(service.spec.ports.map(({ port }: Port) => port).toSorted(), ports.toSorted());
  assertEquals(config.brokerIP1, "comet-0.comet.comet-0.svc.cluster.local");
  assertEquals(set.spec.serviceName, service.metadata.name);
});

Deno.test("kubernetes.yaml: names that a value or a probe refers to exist", () => {
  const names = container.env.map(({ name }) => name);
  for (const { value = "" } of container.env) {
    for (const [, name] of value.matchAll(/\$\((\w+)\)/g)) assert(names.includes(name!), name);
  }
  for (const { httpGet } of [container.readinessProbe, container.livenessProbe]) {
    assertEquals(httpGet.path, "/healthz");
    assert(container.ports.some(({ name }) => name === httpGet.port));
  }
  const volumes = [
    ...pod.volumes.map(({ name }: { name: string }) => name),
    ...set.spec.volumeClaimTemplates.map(({ metadata }: { metadata: Port }) => metadata.name),
  ];
  assertEquals(container.volumeMounts.map(({ name }) => name).toSorted(), volumes.toSorted());
  assertEquals(set.spec.selector.matchLabels, service.spec.selector);
  assertEquals(set.spec.template.metadata.labels, service.spec.selector);
});

Deno.test("kubernetes.yaml: the pod runs as the image's user over the image's volume", () => {
  const [user, group] = textsOf(image, "USER")[0]!.split(":").map(Number);
  const { runAsUser, runAsGroup, fsGroup } = pod.securityContext;
  assertEquals([runAsUser, runAsGroup, fsGroup], [user, group, group]);
  assert(container.volumeMounts.some(({ mountPath }) => mountPath === wordsOf(image, "VOLUME")[0]));
  assertEquals(container.securityContext.readOnlyRootFilesystem, true);
});
