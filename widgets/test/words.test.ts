import { expect, test } from "vitest";
import { clean, clock, line, money, tokens, visible } from "../src/words";

test("what would not be seen, or would change what is seen, is taken out", () => {
  expect(clean("a\u202eb\x1b[31mred\x1b[0m\x1b]0;title\x07!\u2066")).toBe("abred!");
  expect(line("two\n  lines\tand more")).toBe("two lines and more");
  expect(clean("abcdef", 3)).toBe("abc…");
});

test("what a person is to allow shows every character", () => {
  expect(visible("rm\u202e -rf\x1b[0m")).toBe("rm⟨U+202E⟩ -rf⟨U+001B⟩[0m");
});

test("figures read as they do in the static pictures", () => {
  expect([clock(0), clock(42.9), clock(725), clock(3723)]).toEqual(["0:00", "0:42", "12:05", "1:02:03"]);
  expect([tokens(812), tokens(66_240, true), tokens(1_240_000)]).toEqual(["812", "~66.2k", "1.2M"]);
  expect([money(0), money(0.0421), money(1.5), money(null)]).toEqual(["$0.00", "$0.042", "$1.50", "unknown"]);
});
