import { agentPod, systemNamespace } from "../guardbee.ts";
import { kubectlOutput } from "../lab/cluster/kubectl.ts";

/** The arguments of kubectl that run `tetra` beside the agent of `node`; it reads kubectl's input. */
export async function tetraOn(node: string): Promise<readonly string[]> {
  const agent = await agentPod(node);
  return ["-n", systemNamespace, "exec", "-i", agent, "-c", "agent", "--", "tetra"];
}

/** What the tetra of that node's agent prints. */
export async function tetra(node: string, words: string, input = ""): Promise<string> {
  return kubectlOutput([...(await tetraOn(node)), ...words.split(" ")], input);
}
