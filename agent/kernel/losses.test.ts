import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Losses, lossCauses, readLosses } from "./losses.ts";
import type { Native } from "./native.ts";

const none = Object.fromEntries(lossCauses.map((cause) => [cause, 0n])) as Losses;

test("the causes are those of enum loss, in its order", () => {
  const types = readFileSync(new URL("../../bpf/types.h", import.meta.url), "utf8");
  const names = types.match(/enum loss \{(.*?)\};/s)![1]!.match(/LOSS_\w+/g)!;
  assert.deepEqual(
    names.map((name) => name.slice("LOSS_".length).toLowerCase()),
    [...lossCauses, "max"],
  );
});

test("readLosses adds up the processors", () => {
  const native: Pick<Native, "lookup" | "possibleCpus"> = {
    possibleCpus: () => 2,
    lookup: (_fd, key, value) => {
      if (key[0] === lossCauses.indexOf("ring_post")) {
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(2n ** 40n, 0);
        Buffer.from(value.buffer, value.byteOffset).writeBigUInt64LE(3n, 8);
      } else value.fill(0);
      return true;
    },
  };
  assert.deepEqual(readLosses(native as Native, 3), { ...none, ring_post: 2n ** 40n + 3n });
});
