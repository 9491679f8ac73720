import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { repositoryRoot } from "../../../build/root.ts";
import { apply, openFleet, waitTimeout } from "../cluster/fleet.ts";
import { policyBecomes, policyReady } from "../cluster/policies.ts";
import { patienceMs } from "../guardbee.ts";
import { kubeconfigPath } from "../lab/cluster/control-plane.ts";
import { kubectl, kubectlOutput, kubectlPath } from "../lab/cluster/kubectl.ts";
import { waitFor } from "../lab/progress.ts";
import { type RunResult, run } from "../lab/run.ts";

await openFleet();
const policy = "execpolicynamespaced/learner";
const proposal = "execproposalnamespaced/learner";
after(() => kubectlOutput(["delete", "deployment", "learner", "--ignore-not-found"]));

/** `kubectl guardbee ...`, by the plugin of this checkout. */
async function plugin(...args: readonly string[]): Promise<RunResult> {
  const path = [join(repositoryRoot, "node_modules/.bin"), process.env.PATH].join(delimiter);
  const env = { KUBECONFIG: kubeconfigPath(), PATH: path };
  return run([await kubectlPath(), "guardbee", ...args], { env });
}

async function said(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await plugin(...args);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}

/** Runs a program in one of the replicas. */
function runs(program: string): Promise<RunResult> {
  return kubectl(["exec", "deployment/learner", "--", program]);
}

type Executable = {
  readonly path: string;
  readonly denied?: boolean;
  readonly fromImage?: boolean;
  readonly nodes: number;
};

async function proposed(): Promise<readonly Executable[]> {
  const { exitCode, stdout } = await kubectl(["get", proposal, "-o", "json"]);
  return exitCode === 0 ? JSON.parse(stdout).executables : [];
}

function proposes(path: string, is: (found: Executable) => boolean = () => true) {
  let last: readonly Executable[] = [];
  return waitFor(
    `a proposal of ${path}`,
    async () => {
      last = await proposed();
      const found = last.find((one) => one.path === path);
      return found !== undefined && is(found) ? found : undefined;
    },
    { timeoutMs: patienceMs, everyMs: 1_000, detail: () => JSON.stringify(last) },
  );
}

async function restart(): Promise<void> {
  await kubectlOutput(["rollout", "restart", "deployment/learner"]);
  await kubectlOutput(["rollout", "status", "deployment/learner", waitTimeout]);
}

const labels = { app: "learner" };
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "learner" },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "main",
            image: "guardbee.invalid/demo:dev",
            command: ["/bin/sh", "-c", "/bin/true; exec /bin/sleep infinity"],
          },
        ],
      },
    },
  },
};

test("a Deployment is watched, its list proposed, accepted and enforced; what comes later is denied, proposed, accepted, and runs", async () => {
  await apply([deployment]);
  await kubectlOutput(["rollout", "status", "deployment/learner", waitTimeout]);
  await said("learn", "deployment/learner", "--min-duration", "5s");
  await policyReady(policy);

  // Three replicas run that were there before: what they began with nobody has seen.
  assert.equal((await runs("/bin/date")).exitCode, 0);
  await proposes("/bin/date", ({ fromImage }) => fromImage === true);
  const early = await plugin("proposals", "accept", "learner", "--enforce");
  assert.equal(early.exitCode, 1);
  assert.match(early.stderr, /is not covered: 0 of 3 replicas were seen from their start/);

  await restart();
  for (const path of ["/bin/sh", "/bin/true", "/bin/sleep"]) await proposes(path);
  await kubectlOutput(["wait", "--for=condition=Covered", waitTimeout, proposal]);
  assert.match(await said("proposals"), /ExecPolicyNamespaced +default +learner .* 3\/3 .* True/);
  const accepted = await said("proposals", "accept", "learner", "--enforce");
  assert.match(accepted, /^ExecPolicyNamespaced\/default\/learner: allows \d+ more and enforces$/m);
  await policyBecomes(policy, "enforced", ({ status }) => {
    const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
    return status?.mode?.observed === "enforce" && ready === "True";
  });

  // What was learned runs, from the containers' start on.
  assert.equal((await runs("/bin/date")).exitCode, 0);
  await restart();

  // What was not is denied, and evidence.
  assert.notEqual((await runs("/usr/bin/id")).exitCode, 0);
  await proposes("/usr/bin/id", ({ denied }) => denied === true);
  await said("proposals", "accept", "learner", "--only", "/usr/bin/id");
  await policyReady(policy);
  assert.equal((await runs("/usr/bin/id")).exitCode, 0);
  await waitFor(
    "nothing to be proposed",
    async () => ((await proposed()).some(({ path }) => path === "/usr/bin/id") ? undefined : true),
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
});
