import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { CorruptStoreError } from "../../store/errors.ts";
import { denoFileSystem, type FileSystem } from "../../store/file_system.ts";
import { JsonFile, PersistedTable } from "../../store/json_file.ts";
import { Disk } from "../helpers/fault_disk.ts";
import { FaultFileSystem } from "../helpers/fault_file_system.ts";
import { quietRandom } from "../helpers/random.ts";

interface Document {
  n: number;
}

function parse(json: unknown): Document {
  const { n } = json as Document;
  if (typeof n !== "number") throw new TypeError("no n");
  return { n };
}

function setup(fileSystem: FileSystem = denoFileSystem) {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/config/table.json`;
  const fallbacks: Error[] = [];
  const onFallback = (error: Error) => fallbacks.push(error);
  return {
    path,
    fallbacks,
    open: () => new JsonFile<Document>({ path, fileSystem, parse, onFallback }),
    openTable(snapshot: () => Document, delayMillis = 60_000) {
      const errors: Error[] = [];
      const onSaveFailed = (error: Error) => errors.push(error);
      const table = new PersistedTable<Document>({
        path,
        fileSystem,
        parse,
        onFallback,
        snapshot,
        delayMillis,
        onSaveFailed,
      });
      return { table, errors };
    },
    read: (suffix = "") => JSON.parse(Deno.readTextFileSync(path + suffix)),
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

Deno.test("JsonFile.load() gives nothing when there is no file", () => {
  using files = setup();
  assertEquals(files.open().load(), undefined);
});

Deno.test("JsonFile.save() keeps the document before it as .bak", async () => {
  using files = setup();
  const file = files.open();
  await file.save({ n: 1 });
  await file.save({ n: 2 });
  assertEquals(files.open().load(), { n: 2 });
  assertEquals(files.read(".bak"), { n: 1 });
  assertEquals(files.fallbacks, []);
});

Deno.test("JsonFile.load() takes the last good copy of a file that is torn at any byte", async () => {
  using files = setup();
  const file = files.open();
  await file.save({ n: 1 });
  await file.save({ n: 22 });
  const bytes = Deno.readFileSync(files.path);
  for (let length = 0; length < bytes.length; length++) {
    Deno.writeFileSync(files.path, bytes.subarray(0, length));
    assertEquals(files.open().load(), { n: 1 });
  }
  assertEquals(files.fallbacks.length, bytes.length);
  assertStringIncludes(files.fallbacks[0]!.message, files.path);
});

Deno.test("JsonFile.load() takes the last good copy when the file is zeros, of another shape or missing", async () => {
  using files = setup();
  const file = files.open();
  await file.save({ n: 1 });
  await file.save({ n: 2 });
  for (const text of ["\0\0\0\0", "[]", "null", '{"n":"x"}']) {
    Deno.writeTextFileSync(files.path, text);
    assertEquals(files.open().load(), { n: 1 });
  }
  Deno.removeSync(files.path);
  assertEquals(files.open().load(), { n: 1 });
  assertEquals(files.fallbacks.length, 5);
});

Deno.test("JsonFile.save() never replaces the good copy by a damaged file", async () => {
  using files = setup();
  const first = files.open();
  await first.save({ n: 1 });
  await first.save({ n: 2 });
  Deno.writeTextFileSync(files.path, "{");
  const file = files.open();
  file.load();
  await file.save({ n: 3 });
  assertEquals(files.read(), { n: 3 });
  assertEquals(files.read(".bak"), { n: 1 });
  assertEquals(Deno.readTextFileSync(`${files.path}.damaged`), "{");
});

Deno.test("JsonFile.load() throws, naming file and remedy, when the copy is no better", async () => {
  using files = setup();
  await files.open().save({ n: 1 });
  Deno.writeTextFileSync(files.path, "");
  const error = assertThrows(() => files.open().load(), CorruptStoreError, files.path);
  assertStringIncludes(error.message, "Restore the file from a backup");
  Deno.writeTextFileSync(`${files.path}.bak`, "{");
  assertThrows(() => files.open().load(), CorruptStoreError, "damaged as well");
});

Deno.test("JsonFile.save() leaves a whole document wherever it breaks off", async () => {
  for (const step of ["openSync", "renameSync", "syncFolderSync"] as const) {
    for (let good = 0; good < 2; good++) {
      let calls = 0;
      let isArmed = false;
      const failing = {
        ...denoFileSystem,
        [step]: (...parts: never[]) => {
          if (isArmed && calls++ === good) throw new Error("crash");
          return (denoFileSystem[step] as (...parts: never[]) => unknown)(...parts);
        },
      } as FileSystem;
      using files = setup(failing);
      const file = files.open();
      await file.save({ n: 1 });
      await file.save({ n: 2 });
      isArmed = true;
      await file.save({ n: 3 }).catch((error) => assertStringIncludes(error.message, files.path));
      const { n } = files.open().load()!;
      assert(n === 2 || n === 3, `${step} ${good} left ${n}`);
    }
  }
});

Deno.test("PersistedTable.flush() saves all changes so far, one save at a time", async () => {
  let isOpen = false;
  const watching: FileSystem = {
    ...denoFileSystem,
    openSync(path, options) {
      const file = denoFileSystem.openSync(path, options);
      if (!path.endsWith(".tmp")) return file;
      assert(!isOpen, "two saves at once");
      isOpen = true;
      const close = file.close.bind(file);
      file.close = () => {
        isOpen = false;
        close();
      };
      return file;
    },
  };
  using files = setup(watching);
  const document = { n: 0 };
  const { table } = files.openTable(() => document);
  await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    await Promise.resolve();
    document.n = index;
    table.markDirty();
    await table.flush();
    assert(files.read().n >= index);
  }));
  await table[Symbol.asyncDispose]();
});

Deno.test("PersistedTable saves by itself after the delay, and again after a failure", async () => {
  let failures = 1;
  const failing: FileSystem = {
    ...denoFileSystem,
    renameSync(from, to) {
      if (failures-- > 0) throw new Error("disk full");
      denoFileSystem.renameSync(from, to);
    },
  };
  using files = setup(failing);
  const { table, errors } = files.openTable(() => ({ n: 7 }), 1);
  table.markDirty();
  while (!denoFileSystem.existsSync(files.path)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(errors.length, 1);
  assertEquals(files.read(), { n: 7 });
  await table[Symbol.asyncDispose]();
});

Deno.test("PersistedTable.flush() rejects when the table cannot be saved", async () => {
  const failing: FileSystem = {
    ...denoFileSystem,
    renameSync: () => {
      throw new Error("disk full");
    },
  };
  using files = setup(failing);
  const { table } = files.openTable(() => ({ n: 7 }));
  table.markDirty();
  await assertRejects(() => table.flush(), Error, files.path);
  await assertRejects(() => table[Symbol.asyncDispose](), Error, files.path);
});

Deno.test("a document survives a power loss, also the first one in a new folder", async () => {
  const random = quietRandom(1);
  for (let loss = 0; loss < 20; loss++) {
    const disk = new Disk();
    const options = {
      path: "/data/config/table.json",
      parse,
      onFallback: (error: Error) => {
        throw error;
      },
    };
    const fileSystem = new FaultFileSystem(disk, { random });
    await new JsonFile<Document>({ ...options, fileSystem }).save({ n: loss });
    const survivor = new FaultFileSystem(disk.survivor(random), { random });
    assertEquals(new JsonFile<Document>({ ...options, fileSystem: survivor }).load(), { n: loss });
  }
});
