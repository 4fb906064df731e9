/** Versions as numbers: what clients and brokers call themselves on the wire (MQVersion.java). */

const V4_0_0_SNAPSHOT = 212;
const V5_9_9 = 611;

/**
 * A version's name. From 4.0.0 on there is a snapshot and a release of each, ten patches to a minor version and ten
 * minor versions to a major one.
 */
export function versionText(version: number): string {
  if (version > V5_9_9) return "HIGHER_VERSION";
  if (version < V4_0_0_SNAPSHOT) return "V3";
  const count = version - V4_0_0_SNAPSHOT;
  const [major, minor, patch] = [count / 200 + 4, count % 200 / 20, count % 20 / 2].map(Math.floor);
  return `V${major}_${minor}_${patch}${count % 2 === 0 ? "_SNAPSHOT" : ""}`;
}
