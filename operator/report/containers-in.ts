import { type Pod, type SelectorSet, setsIn } from "@guardbee/policy";

/** The containers of a pod in which a set holds, by the agent's own rule. */
export function containersIn(set: SelectorSet, pod: Pod): readonly string[] {
  if (set.scope.pods === undefined) return [];
  const named = [{ name: "it", set }];
  return pod.containers
    .filter((container) => setsIn(named, pod, container).length > 0)
    .map(({ name }) => name);
}
