import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecProposal, ProposedExecutable } from "@guardbee/policy";
import { chosen, withAccepted } from "./accept.ts";

function one(path: string, change: Partial<ProposedExecutable> = {}): ProposedExecutable {
  return { path, workloads: ["Deployment/web"], nodes: 1, count: 1, ...change };
}

const proposal: ExecProposal = {
  executables: [one("/bin/sh"), one("/usr/bin/curl"), one("/usr/bin/id")],
  coverage: { pods: 3, sinceStart: 3, restarts: 0, summary: "3/3" },
};
const paths = (found: readonly ProposedExecutable[]) => found.map(({ path }) => path);

test("--only takes paths and patterns, and tells those that name nothing", () => {
  const { executables, unmatched } = chosen(proposal, ["/usr/bin/*", "/bin/sh", "/opt/**"]);
  assert.deepEqual(paths(executables), ["/bin/sh", "/usr/bin/curl", "/usr/bin/id"]);
  assert.deepEqual(unmatched, ["/opt/**"]);
  assert.deepEqual(paths(chosen(proposal, ["/usr/*"]).executables), []);
  assert.deepEqual(paths(chosen(proposal, []).executables), paths(proposal.executables));
});

test("what came from the image is allowed from there alone", () => {
  assert.deepEqual(withAccepted([], [one("/b"), one("/c", { fromImage: true }), one("/a")]), [
    { paths: ["/c"], fromImage: true },
    { paths: ["/a", "/b"] },
  ]);
});

test("an accepted path goes into the rule that says no more than paths, behind those it has", () => {
  const users = { paths: ["/x"], users: [0] };
  const allow = [users, { paths: ["/z"] }, { paths: ["/i"], fromImage: true }];
  assert.deepEqual(withAccepted(allow, [one("/a"), one("/z"), one("/j", { fromImage: true })]), [
    users,
    { paths: ["/z", "/a"] },
    { paths: ["/i", "/j"], fromImage: true },
  ]);
});

test("nothing accepted changes nothing", () => {
  const allow = [{ paths: ["/z"] }];
  assert.equal(withAccepted(allow, []), allow);
});
