import assert from "node:assert/strict";
import { test } from "node:test";
import { hashParts, itemHash } from "./cache.ts";
import type { Item } from "./item.ts";
import { busybox, opa } from "./items.ts";

const anItem = (over: Partial<Item> = {}): Item => ({ ...opa, ...over });

test("an item's hash is the same for the same inputs, whatever their order", () => {
  const turned = Object.fromEntries(Object.entries(anItem().env).reverse());
  assert.equal(itemHash(anItem({ env: turned })), itemHash(anItem()));
});

test("an item's hash changes with its version, its script and its files", () => {
  const version = anItem({ env: { ...anItem().env, VERSION: "v0.0.0" } });
  const script = anItem({ script: busybox.script });
  const files = anItem({ files: { SOURCE: import.meta.filename } });
  const hashes = [anItem(), version, script, files].map(itemHash);
  assert.equal(new Set(hashes).size, 4);
});

test("hashParts tells apart the same bytes cut differently", () => {
  assert.notEqual(hashParts(["ab", "c"]), hashParts(["a", "bc"]));
});
