import type { KubeObject } from "@guardbee/kube";

/** The API server's record of the agent's last write: a status itself holds no time. */
export function lastReport({ metadata }: KubeObject): string | undefined {
  const times = (metadata.managedFields ?? [])
    .filter(({ subresource }) => subresource === "status")
    .map(({ time = "" }) => time)
    .sort();
  return times.at(-1);
}
