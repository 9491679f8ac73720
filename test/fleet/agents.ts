// Many agents in one process, started by child.ts: everything of an agent but its kernel and disk.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type KubeConnection,
  type KubeObject,
  type KubeRequest,
  systemClock,
} from "@guardbee/kube";
import pino from "pino";
import { Session } from "../../agent/session/session.ts";
import { connectAs } from "./connect.ts";
import { FakeKernel } from "./fake-kernel.ts";
import { MemoryDisk } from "./memory-disk.ts";
import type { AgentsOrder } from "./messages.ts";

const cgroupRoot = mkdtempSync(join(tmpdir(), "guardbee-no-cgroups-"));
const log = pino({ level: process.env.LOG_LEVEL ?? "fatal" }, process.stderr);
const never = new AbortController().signal;

process.once("message", async ({ server, startsPerSecond, agents }: AgentsOrder) => {
  for (const { node, kernel, token } of agents) {
    const session = await Session.open({
      connection: sharing(connectAs({ server, token }, "guardbee-agent")),
      nodeName: node,
      engine: new FakeKernel(kernel),
      state: new MemoryDisk(),
      cgroupRoot,
      agentVersion: "bench",
      clock: systemClock,
      log: log.child({ node }),
    });
    session.run(never).catch((error: unknown) => {
      console.error(`agent of ${node}:`, error);
      process.exit(1);
    });
    await sleep(1_000 / startsPerSecond);
  }
});
process.once("disconnect", () => process.exit());

/** SelectorSets by identity and version, as the first agent parsed them. */
const known = new Map<string, KubeObject>();

/**
 * Each agent asks for its SelectorSets and reads the answer; of equal answers it keeps the one that
 * is here already, because this process has the memory of one machine.
 */
function sharing(connection: KubeConnection): KubeConnection {
  return {
    ...connection,
    async request<T>(request: KubeRequest, signal: AbortSignal): Promise<T> {
      const answer = await connection.request<T>(request, signal);
      if (!request.path.includes("/selectorsets") || request.accept !== undefined) return answer;
      const list = answer as { readonly items?: readonly KubeObject[] };
      if (list.items === undefined) return theFirst(answer as KubeObject) as T;
      return { ...list, items: list.items.map(theFirst) } as T;
    },
  };
}

function theFirst(object: KubeObject): KubeObject {
  const key = `${object.metadata.uid} ${object.metadata.resourceVersion}`;
  const first = known.get(key) ?? object;
  known.set(key, first);
  return first;
}
