import type { KubeObject } from "@guardbee/kube";

/** `Kind/name` or `Kind/namespace/name`, as reports show a policy. */
export function policyTitle({ kind, metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join("/");
}
