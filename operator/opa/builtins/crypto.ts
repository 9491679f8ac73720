import { createHash, createHmac } from "node:crypto";
import type { Builtin } from "./builtin.ts";
import { stringOf } from "./operands.ts";

export const crypto: Readonly<Record<string, Builtin>> = {
  ...Object.fromEntries(
    ["md5", "sha1", "sha256"].map((algorithm): [string, Builtin] => [
      `crypto.${algorithm}`,
      (text) => createHash(algorithm).update(stringOf(text)).digest("hex"),
    ]),
  ),
  ...Object.fromEntries(
    ["md5", "sha1", "sha256", "sha512"].map((algorithm): [string, Builtin] => [
      `crypto.hmac.${algorithm}`,
      (text, key) => createHmac(algorithm, stringOf(key)).update(stringOf(text)).digest("hex"),
    ]),
  ),
  "crypto.hmac.equal": (a, b) => stringOf(a) === stringOf(b),
};
