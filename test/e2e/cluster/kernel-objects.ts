import { isDeepStrictEqual } from "node:util";
import { patienceMs } from "../guardbee.ts";
import { execOnNode } from "../lab/cluster/cluster.ts";
import { waitFor } from "../lab/progress.ts";

/** Ids and names of what is in a kernel, as bpftool lists it. */
export type KernelObjects = Readonly<Record<(typeof kinds)[number], readonly string[]>>;

const kinds = ["prog", "map", "link"] as const;

type Listed = { readonly id: number; readonly name?: string; readonly type: string };

/**
 * Process tracking: what an agent keeps in the kernel when no policy holds on its node. The maps of
 * 15 letters are cut by the kernel; `gb_fence` and `gb_ids` are two of each.
 */
export const tracking = {
  prog: [
    "cgroup_gone",
    "cgroup_leave",
    "cgroup_moved",
    "process_exec",
    "process_exit",
    "process_fork",
  ],
  map: [
    ...[".data.engine_st", ".data.follow_st", ".data.move_stat", ".data.posts_sta"],
    ...[".data.process_s", ".data.rate_stat", ".data.scope_sta"],
    ...[
      "binaries_exact",
      "binaries_postfi",
      "binaries_prefix",
      "cgroup_class",
      "event_rates",
      "event_shares",
    ],
    ...[
      "events",
      "exec_scratch",
      "file_hashes",
      "follow_shares",
      "followed",
      "fork_scratch",
      "gb_fence",
      "gb_fence",
    ],
    ...[
      "gb_ids",
      "gb_ids",
      "hashing",
      "identities",
      "leaderless",
      "losses",
      "notices",
      "posts",
      "process",
      "protected_binar",
      "stops",
    ],
    ...["table_shares", "tracked_socks", "waiting_events", "waiting_large"],
  ],
  /** One a program; links have no names. */
  link: [...Array.from({ length: 4 }, () => "raw_tracepoint"), "tracing", "tracing"],
} as const;

/** Every program, map and link of a node, but those that runc makes for a container's devices. */
export async function kernelObjects(node: string): Promise<KernelObjects> {
  const script = kinds.map((kind) => `bpftool -j ${kind} list`).join(" && ");
  const { stdout, stderr, exitCode } = await execOnNode(node, ["/bin/sh", "-c", script]);
  if (exitCode !== 0) throw new Error(`bpftool on ${node}: ended with ${exitCode}: ${stderr}`);
  const lists = stdout
    .trim()
    .split("\n")
    .map((line): Listed[] => JSON.parse(line));
  const told = (list: readonly Listed[]) =>
    list
      .filter(({ type }) => type !== "cgroup_device")
      .map(({ id, name, type }) => `${id} ${name ?? type}`);
  return { prog: told(lists[0]!), map: told(lists[1]!), link: told(lists[2]!) };
}

/** Their names, sorted. */
function namesOf(objects: KernelObjects): Record<(typeof kinds)[number], string[]> {
  const names = (told: readonly string[]) => told.map((each) => each.split(" ")[1]!).sort();
  return { prog: names(objects.prog), map: names(objects.map), link: names(objects.link) };
}

/** Waits until each node has process tracking in its kernel and nothing else. */
export async function bareNodes(nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    await kernelBecomes(node, "only process tracking", (objects) =>
      isDeepStrictEqual(namesOf(objects), tracking),
    );
  }
}

/** Waits until the kernel of a node is as `is` says. */
export async function kernelBecomes(
  node: string,
  what: string,
  is: (objects: KernelObjects) => boolean,
): Promise<void> {
  let last: KernelObjects | undefined;
  await waitFor(
    `${what} in the kernel of ${node}`,
    async () => {
      last = await kernelObjects(node);
      return is(last) || undefined;
    },
    { timeoutMs: patienceMs, everyMs: 500, detail: () => JSON.stringify(last) },
  );
}
