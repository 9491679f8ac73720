import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PeerTable } from "./peer-table.ts";

test("a peer past its own bound loses its oldest", () => {
  const table = new PeerTable<string>({ inAll: 10, perPeer: 2 });
  assert.deepEqual(
    [table.add("a1", "a"), table.add("b1", "b"), table.add("a2", "a"), table.add("a3", "a")],
    [undefined, undefined, undefined, "a1"],
  );
});

test("past the bound in all, the peer with the most loses its oldest", () => {
  const table = new PeerTable<string>({ inAll: 3, perPeer: 3 });
  for (const item of ["b1", "a1", "a2"]) table.add(item, item.charAt(0));
  assert.equal(table.add("c1", "c"), "a1");
});

test("what is answered is never lost; where all is, the newcomer goes", () => {
  const table = new PeerTable<string>({ inAll: 2, perPeer: 2 });
  for (const item of ["a1", "a2"]) {
    table.add(item, "a");
    table.busy(item);
  }
  assert.equal(table.add("b1", "b"), "b1");
  table.remove("b1");
  table.idle("a2");
  assert.equal(table.add("a3", "a"), "a2");
});

test("what was answered waits again as the youngest", () => {
  const table = new PeerTable<string>({ inAll: 2, perPeer: 2 });
  for (const item of ["a1", "a2"]) table.add(item, "a");
  table.busy("a1");
  table.idle("a1");
  assert.equal(table.add("a3", "a"), "a2");
});

test("whatever happens, the bounds hold, and nobody with less than others is cut", () => {
  const step = fc.record({
    verb: fc.constantFrom("add", "busy", "idle", "remove"),
    item: fc.nat(20),
    peer: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new PeerTable<number>({ inAll: 6, perPeer: 4 });
      const open = new Map<number, { peer: string; busy: boolean }>();
      const of = (peer: string) => [...open.values()].filter((one) => one.peer === peer).length;
      const end = (item: number) => {
        table.remove(item);
        open.delete(item);
      };
      for (const { verb, item, peer: number } of steps) {
        const peer = `${number}`;
        if (verb === "remove") end(item);
        else if (verb !== "add") {
          table[verb](item);
          const known = open.get(item);
          if (known !== undefined) known.busy = verb === "busy";
        } else if (!open.has(item)) {
          open.set(item, { peer, busy: false });
          const excess = table.add(item, peer);
          if (excess !== undefined) {
            const lost = open.get(excess);
            assert.equal(lost?.busy, false);
            assert.ok(of(lost.peer) >= of(peer) || excess === item || lost.peer === peer);
            end(excess);
          }
        }
        assert.ok(open.size <= 6);
        for (const { peer: each } of open.values()) assert.ok(of(each) <= 4);
        for (const each of open.keys()) assert.ok(table.has(each));
      }
    }),
  );
});
