import assert from "node:assert/strict";
import { after, test } from "node:test";
import { execOnNode } from "../lab/cluster/cluster.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { aPod, apply, nodeNames, openFleet, waitTimeout } from "./fleet.ts";
import { applyReady, denyWrites, denyWritesRef } from "./policies.ts";
import { writeIn, writesBecome } from "./writes.ts";

await openFleet();
const [node] = nodeNames();
const path = "/tmp/forbidden/x";
const [short, long] = ["ubuntu:24.04", "docker.io/library/ubuntu:24.04"];
const pods = { short: "image-short", long: "image-long" };

const ctr = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await execOnNode(node!, ["ctr", "-n", "k8s.io", ...args]);
  assert.equal(exitCode, 0, stderr);
  return stdout;
};

/** Gives the demo image the names that it has on a node that pulled ubuntu:24.04. */
async function nameImage(): Promise<readonly string[]> {
  const demo = "guardbee.invalid/demo:dev";
  const line = (await ctr("images", "ls")).split("\n").find((one) => one.startsWith(`${demo} `));
  const digest = /sha256:[0-9a-f]{64}/.exec(line ?? "")?.[0];
  assert.ok(digest);
  const names = [long!, `docker.io/library/ubuntu@${digest}`];
  await ctr("images", "tag", "--force", demo, ...names);
  return names;
}

const names = await nameImage();
after(async () => {
  await kubectlOutput(["delete", "pod", ...Object.values(pods)]);
  await ctr("images", "rm", ...names);
});

function ubuntu(name: string, image: string): object {
  const command = ["/bin/sh", "-c", "mkdir -p /tmp/forbidden; exec sleep infinity"];
  const container = { ...{ name: "app", command, image }, imagePullPolicy: "Never" };
  return aPod({ name, node: node!, containers: [container] });
}

/** The seed's policy for containers of the image's repository alone. */
function denyWritesIn(repo: string): string {
  const selector = `{matchExpressions: [{key: repo, operator: In, values: ["${repo}"]}]}`;
  const text = denyWrites().replace("\nspec:\n", `\nspec:\n  containerSelector: ${selector}\n`);
  assert.ok(text.includes(selector));
  return text;
}

test("21-repo-selector: a policy for a repository holds for its short and its long name", async () => {
  await apply([ubuntu(pods.short, short!), ubuntu(pods.long, long!)]);
  const refs = Object.values(pods).map((name) => `pod/${name}`);
  await kubectlOutput(["wait", "--for=condition=Ready", waitTimeout, ...refs]);
  const jsonpath = "jsonpath={.status.containerStatuses[0].imageID}";
  const imageId = await kubectlOutput(["get", "pod", pods.short, "-o", jsonpath]);
  assert.match(imageId, /^docker\.io\/library\/ubuntu@sha256:/);
  for (const repo of ["docker.io/library/ubuntu", "ubuntu"]) {
    await applyReady(denyWritesRef, denyWritesIn(repo));
    for (const pod of Object.values(pods)) await writesBecome(pod, path, "killed");
  }
  await applyReady(denyWritesRef, denyWritesIn("docker.io/library/debian"));
  for (const pod of Object.values(pods)) assert.equal(await writeIn(pod, path), "allowed");
});
