// Before and after all tests of this folder: one cluster of three nodes for all of them, made anew,
// so that it runs what this checkout has. GUARDBEE_LAB_KEEP=1 takes a cluster that is up as it is,
// and leaves it up.
import { install } from "../guardbee.ts";
import { down, readNodes, up } from "../lab/cluster/cluster.ts";
import { holdLab } from "../lab/hold.ts";
import { requestedNodes } from "../lab/main.ts";
import { tell } from "../lab/progress.ts";
import { startPilots } from "./fleet.ts";

const keep = process.env.GUARDBEE_LAB_KEEP === "1";
let release: (() => void) | undefined;

export async function globalSetup(): Promise<void> {
  release = await holdLab();
  try {
    await makeCluster();
  } catch (error) {
    await globalTeardown(); // the test runner does not, after a setup that threw
    throw error;
  }
}

export async function globalTeardown(): Promise<void> {
  if (!keep) await down();
  release?.();
}

async function makeCluster(): Promise<void> {
  if (!keep && readNodes().length > 0) {
    tell("a cluster is up, perhaps of other sources: taking it down");
    await down();
  }
  await up({ nodes: requestedNodes(2, ["node-3=debian-6.12"]) });
  await install();
  await startPilots();
}
