import { objectOf } from "@guardbee/policy/sets";
import type { Engine } from "../engine.ts";
import { Learning, type LearningOptions } from "../learn/learning.ts";
import type { NodePods } from "./node-pods.ts";
import type { Programmer } from "./programmer.ts";
import type { WantedSets } from "./wanted-sets.ts";

type Rest = Omit<LearningOptions, "sets" | "pods" | "podIn" | "adopted">;

/** What a session needs to learn: from the sets and pods of its parts. */
export function openLearning(
  parts: {
    readonly engine: Pick<Engine, "assignedBefore">;
    readonly wanted: WantedSets;
    readonly programmer: Programmer;
    readonly pods: NodePods;
  },
  rest: Rest,
): Learning {
  const { engine, pods } = parts;
  return new Learning({
    ...rest,
    log: rest.log.child({ component: "learning" }),
    sets: () => learningSets(parts),
    pods: () => pods.snapshot().pods,
    podIn: pods.lookup,
    adopted: engine.assignedBefore().size > 0,
  });
}

/** What a RegoPolicy generated does not learn: nobody could accept it into that. */
function learningSets({ wanted, programmer, pods }: Parameters<typeof openLearning>[0]) {
  const [sets, states] = [wanted.sets(), programmer.states()];
  if (sets === undefined || states === undefined || !pods.known()) return undefined;
  const learning = sets.filter(
    ({ name, set }) => set.learn !== undefined && objectOf(name) === name,
  );
  const inForce = learning.filter(({ name }) =>
    states.some((one) => one.name === name && one.state === "programmed"),
  );
  return { wanted: new Set(learning.map(({ name }) => name)), inForce };
}
