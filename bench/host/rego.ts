import pino from "pino";
import { compileRego } from "../../operator/opa/compile.ts";
import { Sandbox } from "../../operator/opa/sandbox.ts";
import type { Message } from "../messages.ts";
import { anInventory } from "./inventory.ts";

const objects = { rounds: 1_000, warmUp: 200 } as const;
const sets = { rounds: 15, warmUp: 3 } as const;
const cluster = "3,000 namespaces and 20,000 workloads";

/**
 * What the Rego of a RegoPolicy costs, in milliseconds from the question to the answer, both ways
 * through the process that evaluates it: wall time on the host, as it is for a person who waits. Runs
 * bundled, as in our images: the process starts slower from its sources.
 */
export async function measureRego(opa: string, tell: (message: Message) => void): Promise<void> {
  const inventory = anInventory(3_000, 20_000);
  tell({ progress: "rego: one object" });
  const object = await timed(opa, objectStyle, {
    data: { inventory },
    inputOf: (round) => ({ workload: inventory.workloads[round] }),
    ...objects,
  });
  tell({
    value: "rego_object",
    number: object.medianMs,
    method: `median of ${objects.rounds} workloads, the inventory of ${cluster} in data`,
  });
  tell({ progress: "rego: the whole inventory" });
  const set = await timed(opa, setStyle, { inputOf: () => ({ inventory }), ...sets });
  const method = `${cluster} as input, 1,000 policies as result`;
  tell({ value: "rego_all", number: set.medianMs, method: `${method}, median of ${sets.rounds}` });
  tell({
    value: "rego_all_first",
    number: set.firstMs,
    method: `${method}, start of the process included`,
  });
}

const entryPoint = "guardbee/generate/policies";

const policy = `{
	"apiVersion": "cilium.io/v1alpha1",
	"kind": "ExecPolicyNamespaced",
	"metadata": {"name": sprintf("edge-%s", [w.name]), "namespace": w.namespace},
	"spec": {"podSelector": {"matchLabels": w.podLabels}, "rules": {"deny": [{"paths": paths}]}},
}`;

/** One evaluation a workload; the rest of the inventory is data. */
const objectStyle = `package guardbee.generate

policies contains ${policy} if {
	w := input.workload
	some namespace in array.slice(data.inventory.namespaces, 0, 10)
	namespace.labels.tier == "edge"
	paths := [sprintf("/bin/%s", [w.podLabels.tier])]
}
`;

/** One evaluation for all. */
const setStyle = `package guardbee.generate

policies contains ${policy} if {
	some w in input.inventory.workloads
	w.podLabels.tier == "edge"
	paths := ["/bin/sh"]
}
`;

type Timing = {
  readonly data?: unknown;
  readonly inputOf: (round: number) => unknown;
  readonly rounds: number;
  readonly warmUp: number;
};

async function timed(
  opa: string,
  text: string,
  { data, inputOf, rounds, warmUp }: Timing,
): Promise<{ readonly firstMs: number; readonly medianMs: number }> {
  const signal = new AbortController().signal;
  const sources = [{ path: "bench.rego", text }];
  const compiled = await compileRego(sources, { entryPoints: [entryPoint], opa, signal });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const log = pino({ level: "silent" });
  const sandbox = new Sandbox({ log });
  const unit = { module: compiled.module, data, deadlineMs: 10_000, memoryMiB: 1_024 };
  try {
    const took: number[] = [];
    for (let round = 0; round < warmUp + rounds; round++) {
      const startedAt = performance.now();
      const evaluation = { entryPoint, input: inputOf(round), subject: "bench" };
      const { value } = await sandbox.evaluate(unit, evaluation, undefined, signal);
      took.push(performance.now() - startedAt);
      if ((value as readonly unknown[]).length === 0)
        throw new Error("the policy under measurement gives nothing");
    }
    const warm = took.slice(warmUp).sort((a, b) => a - b);
    return { firstMs: took[0]!, medianMs: warm[Math.floor(warm.length / 2)]! };
  } finally {
    sandbox.close();
  }
}
