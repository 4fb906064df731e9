import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError, parseProperties, printProperties } from "../../server/properties.ts";

function pairs(text: string): [string, string][] {
  return parseProperties(text, "broker.conf").map(({ key, value }) => [key, value]);
}

Deno.test("parseProperties() takes =, : and white space between key and value", () => {
  const text = "a=1\nb = 2\nc: 3\nd:4\ne 5\nf\t=\t6\ng\n";
  const expected = [["a", "1"], ["b", "2"], ["c", "3"], ["d", "4"], ["e", "5"], ["f", "6"]];
  assertEquals(pairs(text), [...expected, ["g", ""]] as [string, string][]);
});

Deno.test("parseProperties() keeps separators inside a value", () => {
  assertEquals(pairs("url=a=b:c d"), [["url", "a=b:c d"]]);
});

Deno.test("parseProperties() skips comments and blank lines", () => {
  const text = "# one\n! two\n\n   # three\n   \nkey=value # not a comment\n";
  assertEquals(pairs(text), [["key", "value # not a comment"]]);
});

Deno.test("parseProperties() drops white space around a value", () => {
  assertEquals(pairs("  brokerId =  0 \t\r\nnext=1"), [["brokerId", "0"], ["next", "1"]]);
});

Deno.test("parseProperties() says where each entry stands", () => {
  const entries = parseProperties("# first\r\na=1\r\n\r\nb=\\\r\n  2\r\nc=3", "conf/broker.conf");
  assertEquals(entries, [
    { key: "a", value: "1", where: "conf/broker.conf:2" },
    { key: "b", value: "2", where: "conf/broker.conf:4" },
    { key: "c", value: "3", where: "conf/broker.conf:6" },
  ]);
});

Deno.test("parseProperties() joins continued lines", () => {
  const text = "levels=1s 5s \\\n    10s \\\n    # 30s\nnext=1\\\\\nlast=\\";
  assertEquals(pairs(text), [["levels", "1s 5s 10s # 30s"], ["next", "1\\"], ["last", ""]]);
});

Deno.test("parseProperties() takes no continuation from a comment", () => {
  assertEquals(pairs("# a comment \\\nkey=value"), [["key", "value"]]);
});

Deno.test("parseProperties() resolves escapes in keys and values", () => {
  const text = "a\\=b\\ c\\:=D:\\\\store\\tx\\u4e2d\\u6587\\q";
  assertEquals(pairs(text), [["a=b c:", "D:\\store\tx中文q"]]);
});

Deno.test("parseProperties() ignores a byte order mark", () => {
  assertEquals(pairs("\uFEFFbrokerName=a"), [["brokerName", "a"]]);
});

Deno.test("parseProperties() refuses a unicode escape without digits", () => {
  const text = "a=1\nstorePathRootDir=C:\\users\\mq";
  const error = assertThrows(() => parseProperties(text, "broker.conf"), ConfigError);
  assertEquals(
    error.message,
    'broker.conf:2: "\\u" needs four hexadecimal digits after it; ' +
      'write a backslash of a path as "\\\\", or use "/"',
  );
});

Deno.test("printProperties() writes what parseProperties() reads back", () => {
  const entries: [string, string][] = [
    ["storePathRootDir", "C:\\users\\mq"],
    ["brokerName", "经纪人"],
    ["odd", " leading, =:#! and a\nnew line"],
    ["empty", ""],
  ];
  const text = printProperties(entries);
  assertEquals(pairs(text), entries);
  assertEquals(/^[\x20-\x7e\n]*$/.test(text), true, "only ASCII, which Java reads as it is");
});
