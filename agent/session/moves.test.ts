import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import type { Moves } from "../engine.ts";
import { MoveReports } from "./moves.ts";

const pod = { namespace: "shop", name: "cart-1" };

function aReport() {
  const kernel: { moves: Moves | Error } = { moves: { count: 0, last: [] } };
  const lines: string[] = [];
  const log = (facts: { pod?: string; pid?: number; count?: number }, message: string) =>
    lines.push(`${facts.pod ?? "-"} ${facts.pid ?? facts.count ?? "-"} ${message}`);
  const reports = new MoveReports({
    engine: {
      moves: () => {
        if (kernel.moves instanceof Error) throw kernel.moves;
        return kernel.moves;
      },
    },
    pods: { byCgroup: (id) => (id === 7n ? ({ pod } as never) : undefined) },
    onChange: () => {},
    clock: new ManualClock(),
    log: { error: log, warn: log } as never,
  });
  const read = () => {
    lines.length = 0;
    reports.read();
    return [...lines];
  };
  return { kernel, reports, read };
}

const move = (pid: number, from = 7n) => ({
  ...{ pid, from, to: 1n, name: "sh", mover: 1, moverName: "sh" },
});
const told = "a process was taken out of its pod, whose policies hold for it no more";

test("each process that was taken out of its pod is logged once, with the pod where it is known", () => {
  const { kernel, reports, read } = aReport();
  assert.deepEqual(read(), []);
  kernel.moves = { count: 2, last: [move(4), move(5, 9n)] };
  assert.deepEqual(read(), [`shop/cart-1 4 ${told}`, `- 5 ${told}`]);
  assert.equal(reports.count(), 2);
  kernel.moves = { count: 3, last: [move(4), move(5, 9n), move(6)] };
  assert.deepEqual(read(), [`shop/cart-1 6 ${told}`]);
  assert.deepEqual(read(), []);
  assert.equal(reports.count(), 2, "in steps");
});

test("of more than are kept the number is logged, and what cannot be read stays", () => {
  const { kernel, reports, read } = aReport();
  kernel.moves = { count: 100, last: [move(8)] };
  assert.deepEqual(read(), [`shop/cart-1 8 ${told}`, "- 99 and more were taken out"]);
  kernel.moves = new Error("EPERM");
  assert.deepEqual(read(), ["- - moves of processes cannot be read from the kernel"]);
  assert.equal(reports.count(), 100);
});
