import { spawn } from "node:child_process";
import { join } from "node:path";
import { kubectlPath } from "./lab/cluster/kubectl.ts";
import { stateRoot } from "./lab/state.ts";

/** What to type once the screen shows `after`. */
export type Keystrokes = { readonly after: RegExp; readonly type: string };

/**
 * A person at `kubectl exec -it POD -- /bin/bash`: types each line when what it waits for has shown
 * up since the last one. Resolves with all that the screen showed when the shell ends.
 */
export async function atTerminal(
  pod: string,
  script: readonly Keystrokes[],
  timeoutMs: number,
): Promise<string> {
  const command = `${await kubectlPath()} exec -it ${pod} -- /bin/bash`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, KUBECONFIG: join(stateRoot(), "kubeconfig"), TERM: "xterm" },
  });
  const steps = [...script];
  let screen = "";
  let seen = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    const next = steps[0];
    if (next === undefined || !next.after.test(screen.slice(seen))) return;
    steps.shift();
    seen = screen.length;
    child.stdin.write(next.type);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  if (steps.length > 0) {
    throw new Error(`terminal of ${pod}: never saw ${steps[0]!.after}; the screen:\n${screen}`);
  }
  return screen;
}
