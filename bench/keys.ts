/** One figure of the benchmark: what it is called, what it means, what it is to reach. */
export type Key = {
  readonly name: string;
  readonly unit: "instructions" | "ms" | "bytes" | "writes" | "policies" | "%";
  /** What is measured, for people. */
  readonly what: string;
  readonly scenario: Scenario;
  /** Tetragon's figure for the same, where one was measured. */
  readonly peer?: string;
  /** At most this much, or this many times another figure, or so much more than it; with `more` at least this much. */
  readonly target?:
    | number
    | { readonly times: number; readonly of: string }
    | { readonly plus: number; readonly of: string };
  /** More of it is better. */
  readonly more?: true;
};

/** What one visit to a guest measures, or this machine itself; those of one run in this order. */
export const scenarios = {
  kernel: [
    "bare",
    "empty",
    "idle",
    "load",
    "write_arg",
    "emit",
    "unscoped",
    "scoped",
    "file_prefix",
    "binary",
    "postfix",
    "range",
    "substring",
    "addr",
    "return",
    "readings",
    "many",
    "aggregate",
    "list",
    "exec_allow_1",
    "exec_allow_2000",
    "churn",
  ],
  agent: ["agent_hook", "agent_exec", "agent_streams", "agent_idle", "agent_rss"],
  flood: ["flood_1", "flood_4", "flood_8"],
  host: ["lines", "cli", "rego"],
  fleet: ["fleet"],
} as const;
export type Machine = keyof typeof scenarios;
export type Scenario = (typeof scenarios)[Machine][number];

/** Policies on one hook in the series. */
export const seriesCounts = [1, 10, 100, 1000] as const;

/** Seconds that a burst of writes lasts, each of which a policy posts. */
export const burstSeconds = { flood_1: 1, flood_4: 4, flood_8: 8 } as const;

const onTop = "added to a bare write(2)";
const instructions = (
  name: string,
  scenario: Scenario,
  what: string,
  more: Pick<Key, "peer" | "target"> = {},
): Key => ({ name, unit: "instructions", scenario, what, ...more });

export const keys: readonly Key[] = [
  instructions("write_bare", "bare", "write(2) of one byte to /dev/null, nothing loaded"),
  instructions("exec_bare", "bare", "fork + exec + exit of a tiny program, nothing loaded"),
  instructions("write_empty", "empty", `an empty fentry program on write, ${onTop}`),
  instructions(
    "file_empty",
    "empty",
    `an empty fentry program on security_file_permission, ${onTop}`,
  ),
  instructions("write_idle", "idle", `process tracking and no policy, ${onTop}`, {
    peer: "0",
    target: 0,
  }),
  instructions("write_arg_1", "write_arg", `1 policy, fd Equal another value, ${onTop}`, {
    peer: "4,680 to 4,720",
    target: 600,
  }),
  instructions("write_arg_10", "write_arg", "10 policies, each its own value", {
    peer: "47,364",
    target: 620,
  }),
  instructions("write_arg_100", "write_arg", "100 policies, each its own value", {
    peer: "about 474,000",
    target: 650,
  }),
  instructions("write_arg_1000", "write_arg", "1,000 policies, each its own value", {
    target: 900,
  }),
  instructions("write_unscoped", "unscoped", "100 policies for pods; the caller is in none", {
    target: 250,
  }),
  instructions("write_scoped_1000", "scoped", "1,000 policies, each for its own pod's cgroup", {
    peer: "cannot (128)",
    target: 650,
  }),
  instructions("file_prefix_1", "file_prefix", "1 policy, path Prefix of another path", {
    peer: "7,919 to 7,990",
    target: 1200,
  }),
  instructions("file_prefix_100", "file_prefix", "100 policies, each its own prefix", {
    peer: "100 times as much",
    target: 1200,
  }),
  instructions("file_prefix_1000", "file_prefix", "1,000 policies, each its own prefix", {
    peer: "1,000 times as much",
    target: { times: 1.3, of: "file_prefix_1" },
  }),
  instructions("binary_1", "binary", "1 policy, matchBinaries In of another executable", {
    peer: "3,970",
    target: 500,
  }),
  instructions("binary_100", "binary", "100 policies, each its own executable", {
    peer: "100 times as much",
    target: { times: 1.1, of: "binary_1" },
  }),
  instructions("postfix_1", "postfix", "1 policy, path Postfix of another path", {
    peer: "7,919",
    target: { times: 1.1, of: "file_prefix_1" },
  }),
  instructions("postfix_1000", "postfix", "1,000 policies, each its own end", {
    target: { times: 1.3, of: "postfix_1" },
  }),
  instructions("range_1", "range", "1 policy, InRange of other sizes", { target: 700 }),
  instructions("range_1000", "range", "1,000 policies, each its own range", {
    target: { times: 1.4, of: "range_1" },
  }),
  instructions(
    "substring_1",
    "substring",
    "1 policy, SubString that is not in a path of 40 bytes",
    {
      peer: "Linux 6.17 and later only",
      target: 2_400,
    },
  ),
  instructions("substring_100", "substring", "100 policies, each its own text", {
    target: { times: 1.2, of: "substring_1" },
  }),
  instructions("addr_1", "addr", "1 policy, connect(2) to another network than it lists", {
    target: 1_300,
  }),
  instructions("addr_1000", "addr", "1,000 policies, each its own network", {
    target: { times: 1.3, of: "addr_1" },
  }),
  instructions("return_1", "return", "1 policy with return: true, fd Equal another value", {
    peer: "about twice an entry hook",
    target: 900,
  }),
  instructions("readings_24", "readings", "24 policies, each with its own reading of write(2)", {
    target: 3_500,
  }),
  instructions("many_10000", "many", "10,000 selectors of 100 policies, each its own descriptor"),
  instructions(
    "aggregate_hot",
    "aggregate",
    "what a matching call with Aggregate adds, its key known",
    {
      peer: "cannot",
      target: 700,
    },
  ),
  instructions("list_300", "list", "1 policy on a list of 300 functions, of which one is called", {
    target: 1_000,
  }),
  {
    name: "list_300_load",
    unit: "ms",
    scenario: "list",
    what: "loading that policy",
    target: 3_000,
  },
  instructions("emit", "emit", "what a matching call adds to one that does not match", {
    peer: "652",
    target: 500,
  }),
  instructions("exec_kernel", "idle", "process tracking, the agent stopped, added to exec_bare", {
    peer: "20,600",
    target: 15_000,
  }),
  instructions(
    "exec_allow_1",
    "exec_allow_1",
    "the same with an ExecPolicy of 20 rules that allow it, in a pod",
  ),
  instructions(
    "exec_allow_2000",
    "exec_allow_2000",
    "2,000 pods, each with an ExecPolicy of its own of 20 rules; one that allows it",
    { target: { plus: 3_000, of: "exec_kernel" } },
  ),
  {
    name: "exec_allow_2000_load",
    unit: "ms",
    scenario: "exec_allow_2000",
    what: "loading those 2,000 policies",
  },
  {
    name: "exec_allow_2000_kmem",
    unit: "bytes",
    scenario: "exec_allow_2000",
    what: "kernel memory of those 2,000 policies, as charged to the cgroup of the agent",
  },
  instructions("exec", "agent_exec", "the agent running and exporting, added to exec_bare", {
    peer: "397,000",
    target: 200_000,
  }),
  {
    name: "load_1",
    unit: "ms",
    scenario: "load",
    what: "loading the first policy into the kernel",
    peer: "3,615",
    target: 600,
  },
  {
    name: "load_100",
    unit: "ms",
    scenario: "load",
    what: "each further one of 100 that are loaded together",
    peer: "4,000",
    target: 5,
  },
  {
    name: "load_next",
    unit: "ms",
    scenario: "load",
    what: "one more beside 100 that are in force (all tables are written again)",
    peer: "4,000",
  },
  {
    name: "change_1000",
    unit: "ms",
    scenario: "churn",
    what: "one of 1,000 policies on 20 system calls edited, on a node with 200 pods",
    target: 20,
  },
  {
    name: "pod_row_1000",
    unit: "ms",
    scenario: "churn",
    what: "a pod comes there, with another five of them than any pod has",
    target: 5,
  },
  {
    name: "kmem_idle",
    unit: "bytes",
    scenario: "idle",
    what: "kernel memory with no policy, as it reports (memlock of maps and programs)",
    peer: "33,700,000",
    target: 16_000_000,
  },
  {
    name: "kmem_idle_cgroup",
    unit: "bytes",
    scenario: "idle",
    what: "the same as charged to the cgroup of the agent",
  },
  {
    name: "kmem_policy",
    unit: "bytes",
    scenario: "load",
    what: "kernel memory of each further one of 100 policies on a hook, as it reports",
    peer: "315,000",
    target: 8000,
  },
  {
    name: "kmem_policy_cgroup",
    unit: "bytes",
    scenario: "load",
    what: "the same as charged to the cgroup of the agent",
    peer: "825,000",
    target: 8000,
  },
  {
    name: "agent_ready",
    unit: "ms",
    scenario: "agent_hook",
    what: "start of the agent until its kernel holds one policy and events flow",
    peer: "4,700",
    target: 3000,
  },
  {
    name: "agent_rss_idle",
    unit: "bytes",
    scenario: "agent_exec",
    what: "resident memory of the agent, no policy",
    peer: "72,000,000",
    target: 90_000_000,
  },
  {
    name: "agent_rss_1000",
    unit: "bytes",
    scenario: "agent_rss",
    what: "resident memory of the agent with 1,000 policies on a hook",
    peer: "107,000,000 with one",
    target: 120_000_000,
  },
  {
    name: "rss_policy",
    unit: "bytes",
    scenario: "agent_rss",
    what: "resident memory of the agent that each further policy takes",
    peer: "734,000",
    target: 20_000,
  },
  instructions("agent_insn_exec", "agent_exec", "agent, each further exec and exit to the file", {
    peer: "476,000",
    target: 150_000,
  }),
  instructions("agent_insn_hook", "agent_hook", "agent, each further hook event to the file", {
    peer: "210,000",
    target: 60_000,
  }),
  instructions(
    "agent_insn_grpc",
    "agent_streams",
    "agent, each further hook event to one client of the gRPC API",
    { target: 60_000 },
  ),
  instructions(
    "agent_insn_otlp",
    "agent_streams",
    "agent, each further hook event to a receiver of OTLP",
    { target: 80_000 },
  ),
  {
    name: "bytes_event",
    unit: "bytes",
    scenario: "lines",
    what: "the line of an exec event in a pod",
    peer: "2,023 in 2022, with fewer fields",
  },
  instructions("agent_idle", "agent_idle", "agent, each millisecond in which nothing happens", {
    peer: "84 to 1,218",
    target: 500,
  }),
  ...(["flood_1", "flood_4", "flood_8"] as const).map(
    (name): Key => ({
      name,
      unit: "%",
      scenario: name,
      what: `events in the file when a burst of ${burstSeconds[name]} s ends, of what one processor encodes in that time`,
      target: 20,
      more: true,
    }),
  ),
  {
    name: "flood_rss",
    unit: "bytes",
    scenario: "flood_8",
    what: "the most resident memory of the agent in a burst of 8 s",
    target: 200_000_000,
  },
  {
    name: "cli_start_node",
    unit: "ms",
    scenario: "cli",
    what: "node -e 0, from its start to its end",
  },
  ...(
    [
      ["cli_start", "guardbee --version"],
      ["cli_start_check", "guardbee policy check of one file"],
    ] as const
  ).map(
    ([name, what]): Key => ({
      ...{ name, unit: "ms", scenario: "cli", what: `${what}, the same` },
      target: { times: 3, of: "cli_start_node" },
    }),
  ),
  {
    name: "rego_object",
    unit: "ms",
    scenario: "rego",
    what: "one evaluation of Rego for one workload, warm",
    target: 0.5,
  },
  {
    name: "rego_all",
    unit: "ms",
    scenario: "rego",
    what: "one evaluation of Rego for the whole inventory, warm",
    target: 250,
  },
  {
    name: "rego_all_first",
    unit: "ms",
    scenario: "rego",
    what: "the first of them",
    target: 500,
  },
  {
    name: "fleet_writes_change",
    unit: "writes",
    scenario: "fleet",
    what: "API writes by the operator for one changed policy that every node holds",
    target: 9,
  },
  {
    name: "fleet_writes_agents",
    unit: "writes",
    scenario: "fleet",
    what: "status writes for it by one agent, the most there were",
    target: 1,
  },
  {
    name: "fleet_writes_idle",
    unit: "writes",
    scenario: "fleet",
    what: "API writes in ten minutes when nothing changes, leases aside",
    target: 0,
  },
  {
    name: "fleet_writes_target",
    unit: "writes",
    scenario: "fleet",
    what: "API writes by the operator for a new policy for 50 nodes",
    target: 59,
  },
  {
    name: "fleet_ready",
    unit: "ms",
    scenario: "fleet",
    what: "a new policy for all nodes, from apply to Ready=True",
    target: 60_000,
  },
  {
    name: "fleet_restart_bytes",
    unit: "bytes",
    scenario: "fleet",
    what: "what an agent reads from the API server after a restart with a warm disk",
    target: 300_000,
  },
  {
    name: "fleet_rss",
    unit: "bytes",
    scenario: "fleet",
    what: "resident memory of the operator, at rest",
    target: 300_000_000,
  },
  {
    name: "fleet_rss_peak",
    unit: "bytes",
    scenario: "fleet",
    what: "the most resident memory that the operator had",
  },
  {
    name: "fleet_status_size",
    unit: "bytes",
    scenario: "fleet",
    what: "the largest status of a policy, one that fails everywhere among them",
    target: 8_192,
  },
  {
    name: "failover",
    unit: "ms",
    scenario: "fleet",
    what: "the leader killed while nodes report, to the first write of the next one",
    target: 20_000,
  },
  {
    name: "failover_flaps",
    unit: "policies",
    scenario: "fleet",
    what: "policies whose Ready left True meanwhile and came back",
    target: 0,
  },
];
