// Two nodes: a machine of two processors emulates no more side by side.
import { sharedCluster } from "./shared-cluster.ts";

export const { globalSetup, globalTeardown } = sharedCluster(1);
