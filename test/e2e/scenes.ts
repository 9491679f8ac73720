import { join } from "node:path";
import { applyPods, inPod, manifests, patienceMs, waitForEvent } from "./guardbee.ts";
import { kubectl, kubectlOutput } from "./lab/cluster/kubectl.ts";
import { waitFor } from "./lab/progress.ts";
import { atTerminal } from "./terminal.ts";

/** What a scene showed, and what of it was not as it should be. */
export type Scene = { readonly shown: string; readonly wrong: readonly string[] };

const file = "/tmp/forbidden/donotchange.me";

/** vi in pod xwing: it may open and read the file, and is killed when it writes. */
export async function viScene(): Promise<Scene> {
  const before = (await inPod("xwing", `cat ${file}`)).stdout;
  const screen = await atTerminal(
    "xwing",
    [
      { after: /# /, type: "cd /tmp/forbidden\r" },
      { after: /# /, type: "ls\r" },
      { after: /donotchange\.me[\s\S]*# /, type: "vi donotchange.me\r" },
      // One key at a time, as a person types: vi takes what follows Escape at once for a function key.
      { after: /do not change me/, type: "i" },
      { after: /I donotchange/, type: "changed " },
      { after: /changed/, type: "\x1b" },
      { after: /- donotchange/, type: ":w\r" },
      { after: /Killed/, type: "exit\r" },
    ],
    patienceMs,
  );
  const after = (await inPod("xwing", `cat ${file}`)).stdout;
  const elsewhere = await inPod("xwing", "echo fine > /tmp/elsewhere && cat /tmp/elsewhere");
  const wrong: string[] = [];
  if (before !== "do not change me\n") wrong.push(`the file could not be read: ${before}`);
  if (!screen.includes("Killed")) wrong.push("vi was not killed");
  if (after.includes("changed")) wrong.push(`the file was changed to: ${after}`);
  if (elsewhere.stdout !== "fine\n") wrong.push(`a write elsewhere failed: ${elsewhere.stderr}`);
  return { shown: screen, wrong };
}

/** A privileged pod is killed at exec; an ordinary one and the host are untouched. */
export async function capabilityScene(): Promise<Scene> {
  await applyPods(join(manifests, "deathstar.yaml"));
  const exitCode = await waitFor(
    "the privileged pod to end",
    async () => {
      const path = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
      const code = await kubectlOutput(["get", "pod", "deathstar", "-o", path]);
      return code === "" ? undefined : code;
    },
    { timeoutMs: patienceMs, everyMs: 1_000 },
  );
  const whoami = await kubectl(["exec", "xwing", "--", "whoami"]);
  const wrong: string[] = [];
  if (exitCode !== "137") wrong.push(`the privileged pod ended with ${exitCode}, not SIGKILL`);
  if (whoami.stdout !== "root\n") wrong.push(`whoami in xwing failed: ${whoami.stderr}`);
  const shown = `deathstar (privileged): ended with exit code ${exitCode}\nxwing: whoami: ${whoami.stdout}`;
  return { shown, wrong };
}

/** The compact events that the two scenes must leave behind, in any order between others. */
export const expectedEvents: readonly RegExp[] = [
  /^🚀 process default\/xwing \/bin\/bash/,
  /^🚀 process default\/xwing \/usr\/bin\/vi donotchange\.me$/,
  /^📬 open {4}default\/xwing \/usr\/bin\/vi \/tmp\/forbidden\/donotchange\.me$/,
  /^📚 read {4}default\/xwing \/usr\/bin\/vi \/tmp\/forbidden\/donotchange\.me \d+ bytes$/,
  /^📝 write {3}default\/xwing \/usr\/bin\/vi \/tmp\/forbidden\/donotchange\.me \d+ bytes$/,
  /^💥 exit {4}default\/xwing \/usr\/bin\/vi donotchange\.me SIGKILL$/,
  /^💥 exit {4}default\/deathstar \/bin\/sleep infinity SIGKILL$/,
];

/** Waits for the last event of both scenes on the node, and returns all its lines. */
export async function sceneEvents(node: string): Promise<readonly string[]> {
  await waitForEvent(node, "exit of vi by SIGKILL", (line) => killed(line, "xwing"));
  return waitForEvent(node, "exit of deathstar by SIGKILL", (line) => killed(line, "deathstar"));
}

function killed(line: string, pod: string): boolean {
  return (
    line.startsWith('{"process_exit"') &&
    line.includes(`"name":"${pod}"`) &&
    line.includes('"signal":"SIGKILL"')
  );
}
