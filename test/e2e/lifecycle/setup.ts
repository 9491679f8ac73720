import { sharedCluster } from "../cluster/shared-cluster.ts";

export const { globalSetup, globalTeardown } = sharedCluster(2);
