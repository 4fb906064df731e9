/** Makes the dashboard's files: `deno task bundle [--if-older]`. */

import { fileURLToPath } from "node:url";
import { DASHBOARD_FILES, dashboardFile } from "../dashboard/files.ts";

const SOURCE = new URL("../dashboard/", import.meta.url);
const ENTRY = new URL("main.tsx", SOURCE);
/** Taken as they are. */
const COPIED = ["index.html", "style.css", "icon.svg"] as const;

/** Writes `dashboard/dist`. @throws with what the bundler said. */
export async function bundleDashboard(): Promise<void> {
  const work = await Deno.makeTempDir({ dir: fileURLToPath(SOURCE), prefix: "dist." });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--platform", "browser", "--minify", "--output", `${work}/main.js`]
        .concat(fileURLToPath(ENTRY)),
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    for (const name of COPIED) await Deno.copyFile(new URL(name, SOURCE), `${work}/${name}`);
    await Deno.mkdir(dashboardFile(""), { recursive: true });
    // Each file is whole at any time, for those who bundle or read at once.
    for (const { name } of DASHBOARD_FILES) {
      await Deno.rename(`${work}/${name}`, dashboardFile(name));
    }
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Whether a source is newer than what was made of it, or nothing was made. */
async function isOlder(): Promise<boolean> {
  const made = await Promise.all(DASHBOARD_FILES.map(({ name }) => changedAt(dashboardFile(name))));
  return Math.min(...made) < await newestSource(SOURCE);
}

async function newestSource(folder: URL): Promise<number> {
  let newest = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name.startsWith("dist")) continue;
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    newest = Math.max(newest, isDirectory ? await newestSource(url) : await changedAt(url));
  }
  return newest;
}

/** In milliseconds; 0 for a file that is not there. */
async function changedAt(file: URL): Promise<number> {
  try {
    return (await Deno.stat(file)).mtime?.getTime() ?? 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

if (import.meta.main && (!Deno.args.includes("--if-older") || await isOlder())) {
  await bundleDashboard();
}
