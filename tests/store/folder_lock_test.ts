import { assert, assertEquals } from "@std/assert";
import { denoFileSystem } from "../../store/file_system.ts";

/** Tries to take the lock as Java does, in a process of its own; says how that went and keeps it until it is ended. */
async function lockAsJava(path: string): Promise<{ result: string; end: () => Promise<void> }> {
  const program = `
    import { tryPosixLock } from "${new URL("../../store/posix_lock.ts", import.meta.url)}";
    const lock = tryPosixLock("${path}");
    console.log(typeof lock === "string" ? lock : "locked");
    setInterval(() => {}, 1_000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", `data:text/typescript,${encodeURIComponent(program)}`],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  return {
    result: value.trim(),
    async end() {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

const path = () => {
  const file = `${Deno.makeTempDirSync()}/lock`;
  Deno.writeTextFileSync(file, "");
  return file;
};
/** On Windows Java's lock and Deno's are one. */
const ignore = Deno.build.os === "windows";

Deno.test({
  name: "tryLockSync does not take a folder that a Java process has",
  ignore,
  async fn() {
    const file = path();
    const java = await lockAsJava(file);
    assertEquals(java.result, "locked");
    assertEquals(denoFileSystem.tryLockSync(file), undefined);
    await java.end();
    using lock = denoFileSystem.tryLockSync(file);
    assert(lock !== undefined);
  },
});

Deno.test({
  name: "tryLockSync keeps a Java process from taking the folder, until it is given back",
  ignore,
  async fn() {
    const file = path();
    {
      using lock = denoFileSystem.tryLockSync(file);
      assert(lock !== undefined);
      const java = await lockAsJava(file);
      assertEquals(java.result, "taken");
      await java.end();
    }
    const java = await lockAsJava(file);
    assertEquals(java.result, "locked");
    await java.end();
  },
});
