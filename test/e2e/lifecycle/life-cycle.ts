import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "@guardbee/kube";
import type { ImageSpec } from "../../../build/images/oci.ts";
import { encodeTar } from "../../../build/images/tar.ts";
import { withParents } from "../../../build/images/tree.ts";
import { imageSpecs } from "../../../build/images.ts";
import { repositoryRoot } from "../../../build/root.ts";
import { pilotOn } from "../cluster/fleet.ts";
import { kernelBecomes } from "../cluster/kernel-objects.ts";
import { applyReady, denyWrites, denyWritesRef } from "../cluster/policies.ts";
import { Hammer, writeIn } from "../cluster/writes.ts";
import {
  applyPods,
  applyPolicies,
  examples,
  manifests,
  rolledOut,
  systemNamespace,
  waitForPods,
} from "../guardbee.ts";
import { execOnNode, readNodes } from "../lab/cluster/cluster.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";
import { importInto } from "../lab/cluster/reload.ts";
import { waitFor } from "../lab/progress.ts";
import { capabilityScene, viScene } from "../scenes.ts";

/** One way to install Guardbee; each step resolves when its tool is done. */
export type Way = {
  readonly install: () => Promise<unknown>;
  /** To images tagged `next`. */
  readonly upgrade: () => Promise<unknown>;
  /** Down to the CRDs. */
  readonly uninstall: () => Promise<unknown>;
  /** Tests between upgrade and uninstall. */
  readonly between?: () => void;
};

const path = "/tmp/forbidden/x";
const pods = ["xwing", "ywing", "deathstar"];

/** Tests from installation to removal, in order. The cluster has no Guardbee after them. */
export function lifeCycle(name: string, way: Way): void {
  test(`${name}: installed, both scenes of make demo are as they should be`, async () => {
    await way.install();
    await rolledOut();
    await applyPods(join(manifests, "xwing.yaml"));
    await waitForPods("xwing", "ywing");
    const policies = ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"];
    await applyPolicies(...policies.map((file) => join(examples, file)));
    assert.deepEqual((await viScene()).wrong, []);
    assert.deepEqual((await capabilityScene()).wrong, []);
    await kubectlOutput(["delete", "pods", "--ignore-not-found", ...pods]);
    await kubectlOutput(["delete", "execpolicy", "exec-policy-example"]);
  });

  test(`${name}: upgraded to other programs, a writer never gets through`, async () => {
    const next = await nextImages();
    for (const node of readNodes()) await importInto(node.name, next);
    await applyReady(denyWritesRef, denyWrites());
    const writers = [];
    for (const node of ["node-1", "node-3"] as const) {
      writers.push(await Hammer.start(pilotOn(node), [path]));
    }
    for (const writer of writers) await writer.until({ path, allowed: false });
    await way.upgrade();
    await rolledOut();
    for (const writer of writers) await writer.until({ path, allowed: false });
    for (const writer of writers) await writer.stop();
    assert.deepEqual(
      writers.flatMap(({ attempts }) => attempts.filter(({ allowed }) => allowed)),
      [],
    );
    assert.deepEqual(await imagesInUse(), [
      "guardbee.invalid/agent:next",
      "guardbee.invalid/operator:next",
    ]);
    for (const { name: node } of readNodes()) {
      const versions = await onNode(node, "ls /sys/fs/bpf/guardbee | wc -l");
      assert.equal(versions, "1\n", `${node}: programs of the version before are gone`);
    }
  });

  way.between?.();

  test(`${name}: uninstalled, no program, map, link, file or object is left`, async () => {
    await way.uninstall();
    for (const { name: node } of readNodes()) {
      await kernelBecomes(node, "nothing", (now) =>
        isDeepStrictEqual(now, { prog: [], map: [], link: [] }),
      );
      const folders = "/sys/fs/bpf/guardbee /var/lib/guardbee /run/guardbee";
      const files = await onNode(node, `find ${folders} ! -type d 2>/dev/null; true`);
      assert.equal(files, "", `${node}: files`);
    }
    await noObjects(); // pods go when their kubelet has told that they ended
    assert.equal(await writeIn(pilotOn("node-1"), path), "allowed");
  });
}

/** Another version: the same code, and BPF programs of another digest, which are not adopted. */
export async function nextImages(): Promise<readonly ImageSpec[]> {
  const data = Buffer.from("of the version after this one");
  const path = "opt/guardbee/bpf/build/next.bpf.o";
  const layer = encodeTar(withParents([{ kind: "file", path, mode: 0o644, data }]));
  return (await imageSpecs(repositoryRoot)).map((spec) => ({
    ...spec,
    name: spec.name.replace(":dev", ":next"),
    layers: [...spec.layers, layer],
  }));
}

/** Of pods that are not on their way out. */
async function imagesInUse(): Promise<readonly string[]> {
  const list = await kubectlOutput(["-n", systemNamespace, "get", "pods", "-o", "json"]);
  const { items }: { items: readonly KubeObject[] } = JSON.parse(list);
  const images = items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ spec }) => (spec as { containers: { image: string }[] }).containers)
    .map(({ image }) => image);
  return [...new Set(images)].sort();
}

async function noObjects(): Promise<void> {
  let left: readonly string[] = [];
  const gone = async () => {
    left = await objects();
    return left.length === 0 || undefined;
  };
  await waitFor("no object", gone, { timeoutMs: 60_000, everyMs: 1_000, detail: () => `${left}` });
}

/** `kind/name` of all that has our name; CRDs are the caller's to remove or keep. */
async function objects(): Promise<readonly string[]> {
  const kinds = [
    ...["clusterroles", "clusterrolebindings", "validatingwebhookconfigurations"],
    ...["validatingadmissionpolicies", "validatingadmissionpolicybindings", "flowschemas"],
  ];
  const all = await kubectlOutput(["get", kinds.join(","), "-o", "name"]);
  const within = ["all", "serviceaccounts", "secrets", "roles", "rolebindings", "leases", "jobs"];
  const get = ["-n", systemNamespace, "get", within.join(","), "-o", "name"];
  const ours = `${all}\n${await kubectlOutput(get)}`.split("\n");
  return ours.filter((line) => line.includes("/guardbee"));
}

async function onNode(node: string, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await execOnNode(node, ["/bin/sh", "-c", script]);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}
