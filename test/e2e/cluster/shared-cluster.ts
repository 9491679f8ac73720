import { install } from "../guardbee.ts";
import { down, readNodes, up } from "../lab/cluster/cluster.ts";
import { holdLab } from "../lab/hold.ts";
import { requestedNodes } from "../lab/main.ts";
import { tell } from "../lab/progress.ts";
import { startPilots } from "./fleet.ts";

const keep = process.env.GUARDBEE_LAB_KEEP === "1";

/** What Node's test runner calls before and after all files. */
type GlobalSetup = {
  readonly globalSetup: () => Promise<void>;
  readonly globalTeardown: () => Promise<void>;
};

/**
 * One cluster with Guardbee for all tests of a folder, made anew, so that it runs what this checkout
 * has: `labNodes` nodes on a kernel that can do everything, and node-3 on Debian's. With
 * GUARDBEE_LAB_KEEP=1 a cluster that is up is taken as it is, and left up.
 */
export function sharedCluster(labNodes: number): GlobalSetup {
  let release: (() => void) | undefined;
  const globalTeardown = async () => {
    if (release === undefined) return; // ended while it waited: the lab is somebody else's
    if (!keep) await down();
    release();
  };
  const globalSetup = async () => {
    release = await holdLab();
    try {
      await makeCluster(labNodes);
    } catch (error) {
      await globalTeardown(); // the test runner does not, after a setup that threw
      throw error;
    }
  };
  return { globalSetup, globalTeardown };
}

async function makeCluster(labNodes: number): Promise<void> {
  if (!keep && readNodes().length > 0) {
    tell("a cluster is up, perhaps of other sources: taking it down");
    await down();
  }
  await up({ nodes: requestedNodes(labNodes, ["node-3=debian-6.12"]) });
  // Side by side: agents find pods that were there before them, as on a cluster in use.
  await Promise.all([install(), startPilots()]);
}
