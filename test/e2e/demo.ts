// `make demo`: both of the policies that the project started from, on a real cluster.
import { join } from "node:path";
import { Output } from "../../cli/output.ts";
import {
  applyPods,
  applyPolicies,
  compactEvents,
  examples,
  install,
  manifests,
  patienceMs,
  waitForPods,
} from "./guardbee.ts";
import { down, up } from "./lab/cluster/cluster.ts";
import { kubeconfigPath } from "./lab/cluster/control-plane.ts";
import { kubectlOutput } from "./lab/cluster/kubectl.ts";
import { holdLab } from "./lab/hold.ts";
import { requestedNodes } from "./lab/main.ts";
import { waitFor } from "./lab/progress.ts";
import { capabilityScene, expectedEvents, type Scene, sceneEvents, viScene } from "./scenes.ts";

const policies = ["deny-tmp-forbidden-write.yaml", "exec-policy-example.yaml"];
const table = ["get", "tracingpolicies,execpolicies"];

async function demo(): Promise<readonly string[]> {
  await up({ nodes: requestedNodes(2, []) });
  title("install: kubectl apply --server-side -k config/default");
  await install();
  await applyPods(join(manifests, "xwing.yaml"));
  await waitForPods("xwing", "ywing");
  title(`kubectl apply -f ${policies.join(" -f ")}`);
  await applyPolicies(...policies.map((name) => join(examples, name)));
  title(`kubectl ${table.join(" ")}`);
  print(await readyTable());
  title("vi /tmp/forbidden/donotchange.me in pod xwing");
  const wrong = [...show(await viScene())];
  title("a privileged pod execs with CAP_SYS_ADMIN");
  wrong.push(...show(await capabilityScene()));
  title("events: kubectl logs -c export-stdout | guardbee getevents -o compact");
  const events = await compactEvents(await sceneEvents("node-1"));
  print(events.join("\n"));
  const missing = expectedEvents.filter((event) => !events.some((line) => event.test(line)));
  return [...wrong, ...missing.map((event) => `no event ${event}`)];
}

/** The table once it says 2/2 everywhere: Ready may be there before the column. */
function readyTable(): Promise<string> {
  return waitFor(
    "NODES 2/2",
    async () => {
      const text = await kubectlOutput(table);
      const rows = text.split("\n").filter((line) => /policy\.cilium\.io\//.test(line));
      const good = rows.filter((row) => /\bTrue\b.*\b2\/2\b/.test(row));
      return rows.length === 2 && good.length === 2 ? text : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
}

function show({ shown, wrong }: Scene): readonly string[] {
  print(shown);
  return wrong;
}

/** Others' text is in it: the cluster's, the events'. */
function print(text: string): void {
  new Output(process.stdout).write(`${text}\n`);
}

function title(text: string): void {
  print(`\n# ${text}`);
}

const keep = process.argv.includes("--keep");
let wrong: readonly string[];
const release = await holdLab();
try {
  wrong = await demo();
} finally {
  if (keep) print(`\nthe cluster stays up: export KUBECONFIG=${kubeconfigPath()}`);
  else await down();
  release();
}
for (const problem of wrong) new Output(process.stderr).write(`demo: ${problem}\n`);
print(wrong.length === 0 ? "\ndemo: all as it should be" : "\ndemo: not as it should be");
process.exitCode = wrong.length === 0 ? 0 : 1;
