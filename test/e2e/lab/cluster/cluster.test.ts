import assert from "node:assert/strict";
import { test } from "node:test";
import { withNodes } from "./cluster.ts";
import type { Node } from "./node.ts";

const aNode = (over: Partial<Node> = {}): Node => ({ name: "a", index: 1, kernel: "lab", ...over });

test("withNodes keeps a node that is there", () => {
  assert.deepEqual(withNodes([aNode()], [{ name: "a", kernel: "debian-6.12" }]), [aNode()]);
});

test("withNodes gives a new node the lowest free index", () => {
  const existing = [aNode(), aNode({ name: "c", index: 3 })];
  const nodes = withNodes(existing, [
    { name: "b", kernel: "lab" },
    { name: "d", kernel: "lab" },
  ]);
  assert.deepEqual(
    nodes.map((node) => [node.name, node.index]),
    [
      ["a", 1],
      ["c", 3],
      ["b", 2],
      ["d", 4],
    ],
  );
});
