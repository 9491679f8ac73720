import type { NodeState } from "./node-state.ts";

/**
 * What the status of a policy says beside "in force": on how many of the nodes that hold it somebody
 * changed what Guardbee has in the kernel. Undefined where nobody did. Pure.
 */
export function tamperedOn(nodes: readonly NodeState[]): string | undefined {
  const names = nodes.flatMap((one) =>
    one.state === "programmed" && one.tampered ? [one.node] : [],
  );
  const [first] = names.sort();
  if (first === undefined) return undefined;
  const on = names.length === 1 ? `node ${first}` : `${names.length} nodes (${first} is one)`;
  return `on ${on}, something of Guardbee's in the kernel was changed or removed by others, and put right`;
}
