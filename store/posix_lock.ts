/**
 * The lock that Java takes. On Linux and macOS `FileChannel.tryLock(0, 1)`, with which Apache's broker takes its data
 * folder, is a POSIX record lock, and such a lock and the flock of Deno do not see each other. On Windows both are one.
 */

/** `taken`: another process has it. `unavailable`: it cannot be taken here; who only needs it as well goes on. */
export type PosixLock = Disposable | "taken" | "unavailable";

/** The C library by operating system; what is not here has no such lock, or has not been tried. */
const LIBRARIES: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};
const O_RDWR = 2;
const F_TLOCK = 2;
/** Apache locks the first byte. */
const LOCKED_BYTES = 1n;

/**
 * Takes the record lock on the first byte of a file that exists. It ends with the process, when it is disposed of, and
 * also when this process closes the file through any other handle.
 */
export function tryPosixLock(path: string): PosixLock {
  const name = LIBRARIES[Deno.build.os];
  const library = name === undefined ? undefined : openLibrary(name);
  if (library === undefined) return "unavailable";
  const { open, lockf, close } = library.symbols;
  const file = open(new TextEncoder().encode(`${path}\0`), O_RDWR);
  const isLocked = file >= 0 && lockf(file, F_TLOCK, LOCKED_BYTES) === 0;
  const end = () => {
    if (file >= 0) close(file);
    library.close();
  };
  if (isLocked) return { [Symbol.dispose]: end };
  end();
  return file >= 0 ? "taken" : "unavailable";
}

/** Undefined where the library has another name, or this program may not call it. */
function openLibrary(name: string) {
  try {
    // `open` takes a third argument, but only when it is to create a file.
    return Deno.dlopen(name, {
      open: { parameters: ["buffer", "i32"], result: "i32" },
      lockf: { parameters: ["i32", "i32", "i64"], result: "i32" },
      close: { parameters: ["i32"], result: "i32" },
    });
  } catch {
    return undefined;
  }
}
