import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Resource, resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { selfSigned } from "../kube/testing/certificate.ts";
import { tarballOf } from "./bundle/testing/tarball.ts";
import { section } from "./opa/testing/encode-wasm.ts";
import { arraysOfArrays, endless, opaLike, takesAllMemory } from "./opa/testing/opa-like.ts";
import { type BundleServers, startBundleServers } from "./testing/bundle-servers.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const regoPolicy = resourceOf("RegoPolicy");
const regoPolicyNamespaced = resourceOf("RegoPolicyNamespaced");
const tracingPolicy = resourceOf("TracingPolicy");
const tracingPolicyNamespaced = resourceOf("TracingPolicyNamespaced");

const kprobes = (path: string) => [
  {
    ...{ call: "fd_install", syscall: false, args: [{ index: 1, type: "file" }] },
    selectors: [
      {
        matchArgs: [{ index: 1, operator: "Prefix", values: [path] }],
        matchActions: [{ action: "Sigkill" }],
      },
    ],
  },
];

/** Searches for what is not there, in the slowest way: 10 thousand million comparisons, and no memory. */
const slowData = { data: { text: "a".repeat(200_000), lacks: `${"a".repeat(50_000)}b` } };
const slowRail = `package guardbee.guardrail

decision := {"warn": ["it is there"]} if contains(data.text, data.lacks)
`;
const slowGenerator = `package guardbee.generate

policies := [] if contains(data.text, data.lacks)
`;

const aRego = (role: string, rego: string, more: object = {}) => ({
  ...{ role, modules: [{ name: "a.rego", rego }], ...more },
});

describe("Rego that is meant to do harm, on a real API server", { skip: whyNoApiServer() }, () => {
  const { key, cert } = selfSigned();
  let cluster: TestCluster;
  let servers: BundleServers;
  before(async () => {
    servers = await startBundleServers({ key, cert });
    cluster = await TestCluster.start();
    await cluster.startOperator({ namespacedBundleHosts: [servers.hosts.http] });
    await cluster.apply(resources.namespace, { metadata: { name: "shop" } });
  });
  after(async () => {
    await cluster?.stop();
    await servers.close();
  });

  const acceptedOf = async (resource: Resource, name: string, namespace?: string) => {
    const { conditions } = await cluster.status(resource, name, namespace);
    const found = conditions?.find(({ type }) => type === "Accepted");
    return { reason: found?.reason, message: found?.message ?? "" };
  };

  const modules: readonly {
    readonly name: string;
    readonly module: Uint8Array;
    readonly want: string;
    readonly message: RegExp;
  }[] = [
    {
      name: "own-memory",
      module: opaLike({ memory: section(5, [1, 0, 1]) }),
      want: "False InvalidRego",
      message: /^policy\.wasm: has a memory of its own, and is to use the host's; compile it with /,
    },
    {
      name: "wasm-gc",
      module: opaLike(arraysOfArrays),
      want: "False InvalidRego",
      message: /^policy\.wasm: has a type that is no function type; /,
    },
    {
      name: "huge-table",
      module: opaLike({ table: section(4, [1, 0x70, 0, 1]) }),
      want: "False InvalidRego",
      message: /^policy\.wasm: has a table that may grow|has a table of up to Infinity functions/,
    },
    {
      name: "endless-start",
      module: opaLike({ starting: endless }),
      want: "False InvalidRego",
      message: /^policy\.wasm: took to load over 2000 ms; /,
    },
    {
      name: "endless-evaluation",
      module: opaLike({ evaluating: endless }),
      want: "Unknown EvaluationFailed",
      message: /took over 300 ms; make it do less$/,
    },
    {
      name: "all-memory",
      module: opaLike({ evaluating: [...takesAllMemory, ...endless] }),
      want: "Unknown EvaluationFailed",
      message: /took over 300 ms; make it do less$/,
    },
  ];

  const spec = (bundle: object) => ({
    ...{ role: "Generate", entryPoint: "x/y", limits: { deadlineMs: 300, memoryMiB: 64 } },
    bundle,
  });

  const bundleOf = (module: Uint8Array) =>
    tarballOf([
      { name: "/.manifest", content: '{"revision":"1","roots":[""]}' },
      { name: "/policy.wasm", content: module },
    ]);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  /** Puts a module where a bundle of `name` is then to be had from. */
  const ways: Readonly<Record<string, (name: string, module: Uint8Array) => Promise<object>>> = {
    "loose files": (name, module) => inConfigMap(name, { "policy.wasm": base64(module) }),
    tarball: async (name, module) =>
      inConfigMap(name, { "bundle.tar.gz": base64(await bundleOf(module)) }),
    "a server's tarball": onServer,
  };
  async function inConfigMap(name: string, binaryData: object): Promise<object> {
    const metadata = { name, namespace: "guardbee-system" };
    await cluster.apply(resources.configMap, { metadata, binaryData });
    return { configMap: metadata };
  }
  async function onServer(name: string, module: Uint8Array): Promise<object> {
    servers.serve(name, await bundleOf(module));
    return servers.sources.http(name, { ca: cert });
  }

  for (const { name, module, want, message } of modules) {
    for (const [packed, ship] of Object.entries(ways)) {
      test(`a cluster's policy.wasm (${name}, ${packed}) is refused or ended, and others go on`, async () => {
        const bundle = await ship(name, module);
        await cluster.apply(regoPolicy, { metadata: { name }, spec: spec(bundle) });
        const found = await cluster.accepted(regoPolicy, name, want);
        assert.match(found.message, message);
        const sound = { metadata: { name: "sound" }, spec: aRego("Generate", sayNothing) };
        await cluster.apply(regoPolicy, sound);
        await cluster.accepted(regoPolicy, "sound", "True Accepted");
        for (const one of [name, "sound"]) await cluster.delete(regoPolicy, one);
        await cluster.delete(resources.configMap, name, "guardbee-system");
      });
    }
    test(`a namespace's policy.wasm (${name}, a server's tarball) is refused for being one`, async () => {
      const metadata = { name, namespace: "shop" };
      const { limits: _limits, ...rest } = spec(await onServer(name, module));
      await cluster.apply(regoPolicyNamespaced, { metadata, spec: rest });
      const found = await cluster.accepted(
        ...([regoPolicyNamespaced, name, "False InvalidRego", "shop"] as const),
      );
      assert.match(found.message, /^policy\.wasm: is not taken from a RegoPolicyNamespaced/);
      await cluster.delete(regoPolicyNamespaced, name, "shop");
    });
  }

  test("a namespace's policy.wasm is refused, whatever it is", async () => {
    const metadata = { name: "shipped", namespace: "shop" };
    const binaryData = { "policy.wasm": Buffer.from(opaLike()).toString("base64") };
    await cluster.apply(resources.configMap, { metadata, binaryData });
    await cluster.grant("configmaps", metadata);
    const { limits: _limits, ...rest } = spec({ configMap: { name: "shipped" } });
    await cluster.apply(regoPolicyNamespaced, { metadata, spec: rest });
    const found = await cluster.accepted(
      ...([regoPolicyNamespaced, "shipped", "False InvalidRego", "shop"] as const),
    );
    assert.match(found.message, /^policy\.wasm: is not taken from a RegoPolicyNamespaced/);
    await cluster.delete(regoPolicyNamespaced, "shipped", "shop");
  });

  test("a namespace asks for no more than its share, and the ninth RegoPolicy is refused", async () => {
    const metadata = (i: number) => ({ name: `p${i}`, namespace: "shop" });
    const greedy = (limits: object) =>
      cluster.apply(regoPolicyNamespaced, {
        ...{ metadata: metadata(0), spec: aRego("Generate", sayNothing, { limits }) },
      });
    await assert.rejects(greedy({ deadlineMs: 201 }), /deadlineMs/);
    await assert.rejects(greedy({ memoryMiB: 65 }), /memoryMiB/);
    for (let i = 0; i < 9; i++) {
      const one = { metadata: metadata(i), spec: aRego("Generate", sayNothing) };
      await cluster.apply(regoPolicyNamespaced, one);
    }
    const ninth = await cluster.accepted(
      ...([regoPolicyNamespaced, "p8", "False Refused", "shop"] as const),
    );
    assert.match(ninth.message, /^metadata\.namespace: is shop, which has 8 RegoPolicyNamespaceds/);
    await cluster.delete(regoPolicyNamespaced, "p0", "shop");
    await cluster.accepted(regoPolicyNamespaced, "p8", "True Accepted", "shop");
    for (let i = 1; i < 9; i++) await cluster.delete(regoPolicyNamespaced, `p${i}`, "shop");
  });

  test("a guard rail that overruns is broken until it changes, for its namespace alone", async () => {
    const metadata = { name: "slow", namespace: "shop" };
    const rail = (rego: string, more = {}) =>
      cluster.apply(regoPolicyNamespaced, { metadata, spec: aRego("Guardrail", rego, more) });
    await rail(slowRail, slowData);
    await cluster.accepted(regoPolicyNamespaced, "slow", "True Accepted", "shop");
    const names = ["a", "b", "c", "d"];
    for (const name of names) {
      const one = { metadata: { name, namespace: "shop" }, spec: { kprobes: kprobes("/s/") } };
      await cluster.apply(tracingPolicyNamespaced, one);
    }
    await eventually(
      "the guard rail says that it is broken",
      () => acceptedOf(regoPolicyNamespaced, "slow", "shop"),
      ({ reason, message }) =>
        reason === "EvaluationFailed" && message.startsWith("is broken: it overran 3 times"),
    );
    const found = await Promise.all(
      names.map((name) =>
        eventually(
          `${name} waits for it`,
          () => acceptedOf(tracingPolicyNamespaced, name, "shop"),
          ({ reason }) => reason === "EvaluationFailed",
        ),
      ),
    );
    const tried = found.filter(({ message }) =>
      message.endsWith(": took over 200 ms; make it do less"),
    );
    assert.equal(tried.length, 4, JSON.stringify(found));
    assert.equal(await cluster.sets("tracingpolicynamespaced.shop.a"), undefined);
    await rail('package guardbee.guardrail\n\ndecision := {"warn": ["quick"]}\n');
    await cluster.accepted(regoPolicyNamespaced, "slow", "True Accepted", "shop");
    for (const name of names) {
      await cluster.accepted(tracingPolicyNamespaced, name, "True Accepted", "shop");
      await cluster.delete(tracingPolicyNamespaced, name, "shop");
    }
    await cluster.delete(regoPolicyNamespaced, "slow", "shop");
  });

  test("a namespace's guard rails neither refuse, change nor hold up what the cluster generates for it", async () => {
    const verdict = '{"deny": ["no"], "mode": "monitor"}';
    const veto = aRego("Guardrail", `package guardbee.guardrail\n\ndecision := ${verdict}\n`);
    const slow = aRego("Guardrail", slowRail, slowData);
    for (const [name, spec] of Object.entries({ slow, veto })) {
      await cluster.apply(regoPolicyNamespaced, { metadata: { name, namespace: "shop" }, spec });
      await cluster.accepted(regoPolicyNamespaced, name, "True Accepted", "shop");
    }
    const made = {
      kind: "TracingPolicyNamespaced",
      metadata: { name: "made", namespace: "shop" },
      spec: { kprobes: kprobes("/s/") },
    };
    const rego = `package guardbee.generate\n\npolicies := ${JSON.stringify([made])}\n`;
    await cluster.apply(regoPolicy, { metadata: { name: "all" }, spec: aRego("Generate", rego) });
    await cluster.accepted(regoPolicy, "all", "True Accepted");
    const sets = await eventually(
      "its set",
      () => cluster.sets("regopolicy.all"),
      (all) => !!all,
    );
    assert.deepEqual(
      sets?.map(({ mode, policy }) => [mode, policy.namespace]),
      [["enforce", "shop"]],
    );
    for (const name of ["slow", "veto"]) await cluster.delete(regoPolicyNamespaced, name, "shop");
    await cluster.delete(regoPolicy, "all");
  });

  test("eight tenants with slow guard rails and 100 with generators hold up no policy of the cluster", async (t) => {
    const tenants = Array.from({ length: 8 }, (_, i) => `tenant-${i}`);
    const others = Array.from({ length: 100 }, (_, i) => `other-${i}`);
    for (const name of [...tenants, ...others]) {
      await cluster.apply(resources.namespace, { metadata: { name } });
    }
    for (const namespace of tenants) {
      const metadata = { name: "slow", namespace };
      await cluster.apply(regoPolicyNamespaced, {
        metadata,
        spec: aRego("Guardrail", slowRail, slowData),
      });
    }
    for (const namespace of tenants) {
      await cluster.accepted(regoPolicyNamespaced, "slow", "True Accepted", namespace);
    }
    for (const namespace of others) {
      const metadata = { name: "slow", namespace };
      const generator = aRego("Generate", slowGenerator, slowData);
      await cluster.apply(regoPolicyNamespaced, { metadata, spec: generator });
    }
    const policies = tenants.flatMap((namespace) =>
      Array.from({ length: 8 }, (_, i) => ({ name: `p${i}`, namespace })),
    );
    for (const metadata of policies) {
      const one = { metadata, spec: { kprobes: kprobes(`/t/${metadata.name}/`) } };
      await cluster.apply(tracingPolicyNamespaced, one);
    }
    /** What was asked for before, and has not been looked at yet. */
    const waiting = async () => {
      const found = await Promise.all([
        ...others.map((namespace) => acceptedOf(regoPolicyNamespaced, "slow", namespace)),
        ...policies.map(({ name, namespace }) =>
          acceptedOf(tracingPolicyNamespaced, name, namespace),
        ),
      ]);
      return found.filter(({ reason }) => reason === undefined).length;
    };
    const before = await waiting();
    const askedAt = performance.now();
    await cluster.apply(tracingPolicy, {
      ...{ metadata: { name: "cluster" }, spec: { kprobes: kprobes("/c/") } },
    });
    await cluster.accepted(tracingPolicy, "cluster", "True Accepted");
    t.diagnostic(`judged after ${Math.round(performance.now() - askedAt)} ms`);
    const after = await waiting();
    assert.ok(before > 50, `${before} wait: they hold up nothing`);
    assert.ok(after > 0.8 * before, `${before - after} of ${before} came before it`);
    await cluster.apply(regoPolicy, {
      ...{ metadata: { name: "cluster" }, spec: aRego("Generate", sayNothing) },
    });
    await cluster.accepted(regoPolicy, "cluster", "True Accepted");
  });
});

const sayNothing = "package guardbee.generate\n\npolicies := []\n";
