import { down, up } from "../lab/cluster/cluster.ts";
import { holdLab } from "../lab/hold.ts";
import { requestedNodes } from "../lab/main.ts";

let release: (() => void) | undefined;

/** One node, to whose containerd the images were given as archives, and no Guardbee. */
export async function globalSetup(): Promise<void> {
  release = await holdLab();
  try {
    await down();
    await up({ nodes: requestedNodes(1, []) });
  } catch (error) {
    await globalTeardown(); // the test runner does not, after a setup that threw
    throw error;
  }
}

export async function globalTeardown(): Promise<void> {
  await down();
  release?.();
}
