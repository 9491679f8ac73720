import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceKinds } from "../engine.ts";
import { type LossCause, lossCauses } from "../kernel/losses.ts";
import { type AgentFacts, lossesOf, metricsOf } from "./metrics.ts";

/** Every count is another number, so that none stands in for another. */
function someFacts(): AgentFacts {
  let next = 1;
  const number = () => next++;
  const losses = lossCauses.map((cause): [LossCause, bigint] => [cause, BigInt(number())]);
  const sink = (name: string) => ({
    ...{ name, delivered: number(), bytes: number(), waiting: number() },
    dropped: { closed: number(), backlog: number(), error: number() },
  });
  const limitedFile = () => {
    const { dropped, ...file } = sink("file");
    const limited = { ...dropped, rateLimit: number() };
    return { ...file, dropped: limited, filtered: number(), told: number() };
  };
  return {
    version: "1.2.3",
    losses: Object.fromEntries(losses) as AgentFacts["losses"],
    events: {
      pipeline: {
        received: {
          exec: number(),
          data: number(),
          clone: number(),
          exit: number(),
          hook: number(),
          bad: number(),
        },
        ...{ scanned: number(), exported: number() },
        skipped: { unknownHook: number(), badArguments: number() },
        gate: { waiting: number(), expired: { time: number(), space: number() } },
        waitingForExec: number(),
        withoutExec: { space: number(), time: number() },
        ...{
          throttles: number(),
          droppedTexts: number(),
          missedStacks: { gone: number(), busy: number(), long: number() },
        },
      },
      tree: { processes: number(), running: number(), evicted: number(), cut: number() },
      sinks: [limitedFile(), { ...sink("socket"), readers: number() }],
      requests: { made: number(), failed: number(), dropped: number() },
    },
    misses: ["fentry:fd_install", "process_exec"].map((attachment) => {
      return { attachment, id: 1, program: number(), link: number(), sets: [] };
    }),
    moved: number(),
    policies: { enabled: number(), disabled: number(), load_error: number() },
    tampered: Object.fromEntries(
      differenceKinds.map((kind) => [kind, { found: number(), repaired: number() }]),
    ) as AgentFacts["tampered"],
  };
}

async function samplesOf(facts: AgentFacts): Promise<ReadonlyMap<string, string>> {
  const text = await metricsOf(() => facts).metrics();
  const lines = text.trimEnd().split("\n");
  for (const line of lines) {
    assert.match(line, /^(# (HELP|TYPE) guardbee_[a-z_]+ .+|guardbee_[a-z_]+(\{[^}]+\})? \d+)$/);
  }
  const samples = lines.filter((line) => !line.startsWith("#"));
  return new Map(samples.map((line) => line.split(" ") as [string, string]));
}

test("every count is in the metrics", async () => {
  const facts = someFacts();
  const values = new Set((await samplesOf(facts)).values());
  const missing: string[] = [];
  const look = (at: string, value: unknown): void => {
    if (typeof value === "number" || typeof value === "bigint") {
      if (!values.has(String(value))) missing.push(at);
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) look(`${at}.${key}`, inner);
    }
  };
  look("", facts);
  // Of readers summed up the bytes say nothing; who runs is among the known processes.
  assert.deepEqual(missing, [".events.tree.running", ".events.sinks.1.bytes"]);
});

test("a loss of the kernel has its event and its error", async () => {
  const facts = someFacts();
  const samples = await samplesOf(facts);
  const missed = (event: string, error: string) =>
    samples.get(`guardbee_bpf_missed_events_total{event="${event}",error="${error}"}`);
  assert.equal(missed("post", "full"), String(facts.losses.ring_post));
  assert.equal(missed("stop", "share"), String(facts.losses.share_stop));
  const all = lossCauses.filter((cause) => /^(ring|share)_|^rate_(exec|clone|exit)$/.test(cause));
  const sum = all.reduce((total, cause) => total + facts.losses[cause], 0n);
  assert.equal(samples.get("guardbee_observer_ringbuf_events_lost_total"), String(sum));
});

test("before events are read there is what the kernel counts", async () => {
  const { events: _, ...facts } = someFacts();
  const samples = await samplesOf(facts);
  assert.equal(samples.has("guardbee_events_exported_total"), false);
  assert.equal(samples.has('guardbee_bpf_losses_total{cause="process_storage"}'), true);
});

test("what is logged as lost is every cause of every stage", () => {
  const causes = Object.keys(lossesOf(someFacts()));
  assert.deepEqual(causes, [
    ...lossCauses,
    ...["missed_fentry:fd_install", "missed_process_exec"],
    ...["bad_record", "bad_arguments", "unknown_hook", "process_evicted"],
    ...["process_text_cut", "waiting_text_cut"],
    ...["file_closed", "file_backlog", "file_error", "file_rateLimit"],
    ...["socket_closed", "socket_backlog", "socket_error"],
  ]);
});
