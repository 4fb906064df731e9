import { assertEquals, assertThrows } from "@std/assert";
import { deflateSync, zstdCompressSync } from "node:zlib";
import { decodeUtf8, encodeUtf8 } from "../../client/protocol/bytes.ts";
import { compressionOf, decompressBody } from "../../client/protocol/compression.ts";
import { decompressLz4 } from "../../client/protocol/lz4_frame.ts";

/** What LZ4FrameOutputStream of lz4-java 1.8.0, which Java's clients use, makes of `expected()`. */
const FRAME =
  "BCJNGGBwc44GAADwAm9yZGVyIDAgb2YgY3VzdG9tDgASChYAGTEWABMxFgAZMhYAEzQWABkzFgATORYAGTQWABMz" +
  "FgAZNRYAIzEyFwAaNhcAEzAXAAqcAAUXAAudAARFAAqeAARyAA+eABEEygALngADhgAKnQAEhQALnAADLAAKmwAE" +
  "WAAKmgAEIgEKmgAEsAAKOAEFIgELmwAEhgAKnAAFIgELnQAEIgEKngAEcgAPngARBMoAC54AA/YACp0AD5wABAMs" +
  "AAqbAARYAAqaAAQiAQqaAASwAAo4AQUiAQubAASGAAqcAAUiAQs5AQQiAQqeAARyAA+eABEEygALngAD9gAKnQAP" +
  "nAAEAywACpsABFgACpoABCIBCpoABLAACjgBBSIBC5sABIYACpwABSIBCzkBBCIBCp4ABHIAD54AEQTKAAueAAP2" +
  "AAqdAA+cAAQDLAAKmwAEWAAKmgAEIgEKmgAEsAAKOAEFIgELmwAEhgAKnAAFIgELOQEEIgEKngAEcgAPngARBMoA" +
  "C54AA/YACp0AD5wABAMsAAqbAARYAAqaAAQiAQqaAASwAAo4AQUiAQubAASGAAqcAAUiAQs5AQQiAQqeAARyAA+e" +
  "ABEEygALngAD9gAKnQAPnAAEAywACpsABFgACpoABCIBCpoABLAACjgBBSIBC5sABIYACpwABSIBCzkBBCIBCp4A" +
  "BHIAD54AEQTKAAueAAP2AAqdAA+cAAQDLAAKmwAEWAAKmgAEIgEKmgAEsAAKOAEFIgELmwAEhgAKnAAFIgELOQEE" +
  "IgEKngAEcgAPngARBMoAC54AA/YACp0AD5wABAMsAAqbAARYAAqaAAQiAQqaAASwAAo4AQUiAQubAASGAAqcAAUi" +
  "AQs5AQQiAQqeAARyAA+eABEEygALngAD9gAKnQAPnAAEAywACpsABFgACpoABCIBCpoABLAACjgBBSIBC5sABIYA" +
  "CpwABSIBCzkBBCIBCp4ABHIAD54AEQTKAAueAAP2AAqdAA+cAAQDLAAKmwAEWAAKmgAEIgEKmgAEsAAKOAEFIgEL" +
  "mwAEhgAKnAAFIgELOQEEIgEKngAEcgAPngARBMoAC54AA/YACp0AD5wABAMsAAqbAARYAAqaAAQiAQqaAASwAAo4" +
  "AQUiAQubAASGAAqcAAUiAQs5AQQiAQqeAARyAA+eABEEygALngAD9gAKnQAPnAAEAywACpsABFgACpoABCIBCpoA" +
  "BLAACjgBBSIBC5sABIYACpwABSIBCzkBBCIBCp4ABHIAD54AEQTKAAueAAP2AAqdAA+cAAQDLAAKmwAEWAAKmgAE" +
  "IgEKmgAEsAAKOAEFIgELmwAEhgAKnAAFIgELOQEEIgEKngAEcgAPngARBMoAC54AA/YACp0AD5wABAMsAAqbAARY" +
  "AAqaAAQiAQqaAASwAAo4AQUiAQubAASGAAqcAAUiAQs5AQQiAQqeAARyAA+eABEEygALngAD9gAKnQAPnAAEAywA" +
  "CpsABFgACpoABCIBCpoABLAACjgBBSIBC5sABIYACpwABSIBCzkBBCIBCp4ABHIAD54AEQTKAAueAAP2AAqdAA+c" +
  "AAQDLAAKmwAEWAAKmgAEIgEKmgAEsAAKOAEFIgELmwAEhgAKnAAFIgELOQEEIgEKngAEcgAPngARBMoAC54AA/YA" +
  "Cp0AD5wABAMsAAqbAARYAAqaAAQiAQqaAASwAAo4AQUiAQubAASGAAqcAAUiAQs5AQQiAQqeAARyAA+eABEEygAL" +
  "ngAD9gAKnQAPnAAEAywACpsABFgACpoABCIBCpoABLAACjgBBSIBC5sABIYACpwABSIBCzkBBCIBCp4ABHIAD54A" +
  "EQTKAAueAAP2AAqdAA+cAAQDLAAKmwAEWAAKmgAEIgEKmgAEsAAKOAEFIgELmwAEhgAKnAAFIgELOQEEIgEKngAE" +
  "cgAPngARBMoAC54AA/YACp0AD5wABAMsAAqbAARYAAqaAAQiAQqaAASwAAo4AQUiAQubAASGAAqcAAUiAQs5AQQi" +
  "AQqeAARyAA+eABEEygALngAD9gAKnQAPnAAEAywACpsABFgACpoABCIBCpoABLAACjgBBSIBC5sABIYACpwABSIB" +
  "CzkBBCIBCp4ABHIAD54AEQTKAAueAAP2AAqdAA+cAAQDLAAKmwAEWAAKmgAEIgEKmgAEsAAKOAEFIgELmwAEhgAK" +
  "nAAFIgELOQEEIgEKngAEcgAPngARBMoAC54AA/YAB50AUGVyIDAKAAAAAA==";

function expected(): string {
  let text = "";
  for (let i = 0; i < 300; i++) text += `order ${i % 7} of customer ${(i * i) % 13}\n`;
  return text;
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

const COMPRESSED = 1;
const LZ4 = COMPRESSED | 1 << 8;
const ZSTD = COMPRESSED | 2 << 8;
const ZLIB = COMPRESSED | 3 << 8;

Deno.test("decompressBody() undoes each kind of compression, and leaves other bodies alone", () => {
  const plain = encodeUtf8(expected());
  const rows: [sysFlag: number, body: Uint8Array, type: string | undefined][] = [
    [0, plain, undefined],
    [COMPRESSED, deflateSync(plain), "ZLIB"],
    [ZLIB, deflateSync(plain), "ZLIB"],
    [ZSTD, zstdCompressSync(plain), "ZSTD"],
    [LZ4, fromBase64(FRAME), "LZ4"],
  ];
  for (const [sysFlag, body, type] of rows) {
    assertEquals(compressionOf(sysFlag), type);
    const found = decompressBody(sysFlag, body, 1_000_000);
    assertEquals(decodeUtf8(found, 0, found.length), expected());
  }
});

Deno.test("decompressBody() refuses damaged bodies, unknown kinds and bodies that would grow beyond the limit", () => {
  const plain = new Uint8Array(100_000);
  assertThrows(() => decompressBody(ZLIB, deflateSync(plain), 99_999), RangeError);
  assertThrows(() => decompressBody(ZSTD, zstdCompressSync(plain), 99_999), RangeError);
  assertThrows(() => decompressBody(LZ4, fromBase64(FRAME), 1_000), RangeError, "1000 bytes");
  assertThrows(() => decompressBody(ZLIB, encodeUtf8("no zlib"), 1_000), RangeError);
  assertThrows(() => decompressBody(COMPRESSED | 7 << 8, plain, 1_000), RangeError, "unknown");
});

Deno.test("decompressLz4() reads any bytes without anything worse than a RangeError", () => {
  const frame = fromBase64(FRAME);
  for (let at = 0; at < frame.length; at++) {
    for (const value of [0, 255, frame[at]! ^ 1]) {
      const damaged = frame.slice();
      damaged[at] = value;
      refusesOrReads(damaged);
    }
    refusesOrReads(frame.slice(0, at));
  }
});

function refusesOrReads(bytes: Uint8Array): void {
  try {
    decompressLz4(bytes, 100_000);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}

Deno.test("decompressLz4() reads blocks that are stored as they are, and several frames", () => {
  const stored = Uint8Array.of(
    4,
    0x22,
    0x4d,
    0x18,
    0x60,
    0x40,
    0x82,
    3,
    0,
    0,
    0x80,
    97,
    98,
    99,
    0,
    0,
    0,
    0,
  );
  const twice = new Uint8Array(stored.length * 2);
  twice.set(stored);
  twice.set(stored, stored.length);
  assertEquals(decompressLz4(twice, 6), encodeUtf8("abcabc"));
});
