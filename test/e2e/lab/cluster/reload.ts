import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeImage, type ImageSpec, layoutImage } from "../../../../build/images/oci.ts";
import { shortName } from "../../../../build/images.ts";
import { elapsed } from "../../../../build/progress.ts";
import { repositoryRoot } from "../../../../build/root.ts";
import { imageSpecs } from "../images.ts";
import { withLock } from "../lock.ts";
import { tell } from "../progress.ts";
import { stateLock } from "../state.ts";
import { execOnNode, readNodes } from "./cluster.ts";
import { nodeDir, nodeState } from "./node.ts";

const ctr = ["ctr", "--namespace", "k8s.io"];

/**
 * Builds the images again and imports into every running node what it does not have. A layer that
 * the node has is not sent. Pods that run keep their image until they are started again.
 */
export async function reloadImages(appRoot: string = repositoryRoot): Promise<void> {
  await withLock(stateLock(), () => reload(appRoot));
}

async function reload(appRoot: string): Promise<void> {
  const specs = await imageSpecs(appRoot);
  const running = readNodes().filter((node) => nodeState(node.name) === "running");
  await Promise.all(running.map((node) => importInto(node.name, specs)));
}

/** Imports into a running node what it does not have of these images. */
export async function importInto(node: string, specs: readonly ImageSpec[]): Promise<void> {
  const startedAt = performance.now();
  const images = await output(node, [...ctr, "images", "ls"]);
  const content = new Set((await output(node, [...ctr, "content", "ls", "-q"])).split("\n"));
  const stale = specs.filter((spec) => {
    const known = images.split("\n").find((line) => line.startsWith(`${spec.name} `));
    return !known?.includes(layoutImage(spec).digest);
  });
  for (const spec of stale) {
    const file = `${shortName(spec.name)}.tar`;
    writeFileSync(join(nodeDir(node), file), encodeImage(spec, content));
    await output(node, [...ctr, "images", "import", "--local", `/run/lab/${file}`]);
    rmSync(join(nodeDir(node), file));
  }
  const names = stale.map((spec) => shortName(spec.name)).join(", ") || "no image";
  tell(`${node}: ${names} imported (${elapsed(startedAt)})`);
}

async function output(node: string, argv: readonly string[]): Promise<string> {
  const result = await execOnNode(node, argv, { timeoutMs: 600_000 });
  if (result.exitCode === 0) return result.stdout;
  throw new Error(`${argv.join(" ")} on ${node}: ended with ${result.exitCode}: ${result.stderr}`);
}
