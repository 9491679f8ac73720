import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { getObject, resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { whyNoApiServer } from "../kube/testing/api-server.ts";
import { startWebServer, type WebServer } from "./bundle/testing/web-server.ts";
import {
  type ContentFault,
  contentFaults,
  goodRego,
  ours,
  signedBundle,
} from "./testing/bundle-faults.ts";
import { type Answer, type BundleServers, startBundleServers } from "./testing/bundle-servers.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const regoPolicy = resourceOf("RegoPolicy");
const skip = whyNoApiServer() || (process.env.OPA ? false : "OPA is not set");
const never = new AbortController().signal;
const bundleTimeoutMs = 4_000;

/** Of the web server itself, beside what it may give. */
const serverFaults: readonly (Pick<ContentFault, "name" | "condition" | "message"> & {
  readonly answer?: Answer;
})[] = [
  {
    name: "server-down",
    condition: "ResolvedRefs False BundleFailed",
    message: /^Unreachable: http:\/\/127\.0\.0\.1:\d+\/: ECONNREFUSED; check address and server$/,
  },
  {
    name: "server-error",
    answer: (_, response) => response.writeHead(500).end("internal page"),
    condition: "ResolvedRefs False BundleFailed",
    message: /^Unreachable: http:.*-server-error: answers 500; check the server$/,
  },
  {
    name: "server-slow",
    answer: (_, response) => {
      const drip = setInterval(() => response.write("x"), 200);
      response.on("close", () => clearInterval(drip));
    },
    condition: "ResolvedRefs False BundleFailed",
    message: /^Unreachable: http source: no bundle within 4000 ms; /,
  },
];

/** Every fault, each with a RegoPolicy of its own. */
const cases = [
  ...contentFaults.flatMap((fault) => [
    { ...fault, via: "http" as const },
    { ...fault, via: "oci" as const },
  ]),
  ...serverFaults.map((fault) => ({ ...fault, via: "http" as const })),
].map((one) => ({ ...one, policy: `${one.via}-${one.name}` }));

const aDeployment = (name: string) => {
  const podLabels = { app: name };
  const containers = [{ name: "main", image: "example/app:1" }];
  const template = { metadata: { labels: podLabels }, spec: { containers } };
  return {
    metadata: { name, namespace: "default", labels: { tier: "edge" } },
    spec: { selector: { matchLabels: podLabels }, template },
  };
};

const aPolicy = (name: string, source: object, deadlineMs = 10_000) => {
  const verification = { keys: [ours.key] };
  const limits = { maxRules: 12, deadlineMs, memoryMiB: 32 };
  const bundle = { ...source, verification, pollInterval: "5s" };
  return {
    metadata: { name },
    spec: { role: "Generate", evaluate: "PerWorkload", limits, bundle },
  };
};

describe("bundles that are bad, against a real API server", { skip }, () => {
  let cluster: TestCluster;
  let servers: BundleServers;
  /** Goes down. */
  let downServer: WebServer;
  let good: Buffer;
  let cache: string;
  before(async () => {
    // Some two hundred workers are started here, each of which would strip types again.
    cache = await mkdtemp(join(tmpdir(), "guardbee-compiled-"));
    process.env.NODE_COMPILE_CACHE = cache;
    good = await signedBundle("r1", goodRego);
    servers = await startBundleServers();
    downServer = await startWebServer((_, response) => response.end(good));
    cluster = await TestCluster.start();
    for (const name of ["a", "b"]) await cluster.apply(resources.deployment, aDeployment(name));
    for (const one of cases) {
      const { policy, name, via } = one;
      servers.serve(policy, good);
      const source =
        name === "server-down"
          ? { http: { url: `${downServer.origin}/` } }
          : servers.sources[via](policy);
      const { deadlineMs } = { deadlineMs: undefined, ...one };
      await cluster.apply(regoPolicy, aPolicy(policy, source, deadlineMs));
    }
    await cluster.startOperator({ bundleTimeoutMs });
  });
  after(async () => {
    await cluster?.stop();
    await servers?.close();
    await rm(cache, { recursive: true, force: true });
  });

  const setOf = async (policy: string) => {
    const name = `regopolicy.${policy}`;
    const object = await getObject(cluster.kube, resourceOf("SelectorSet"), { name }, never);
    const { hash, sets } = (object?.spec ?? {}) as {
      readonly hash?: string;
      readonly sets?: readonly { readonly policy: { readonly name: string } }[];
    };
    return { hash, holds: sets?.map((one) => one.policy.name).join() };
  };
  /** Waits for the condition, with a message like that. */
  const says = async (policy: string, condition: string, message: RegExp) => {
    const [type] = condition.split(" ");
    await eventually(
      `${type} of ${policy}`,
      async () => {
        const { conditions } = await cluster.status(regoPolicy, policy);
        const found = conditions?.find((one) => one.type === type);
        return `${type} ${found?.status} ${found?.reason} ${found?.message}`;
      },
      (text) => text.startsWith(`${condition} `) && message.test(text.slice(condition.length + 1)),
      () => String(message),
    );
  };
  const inForce = async (policy: string) => {
    const { rego } = await cluster.status(regoPolicy, policy);
    return { revision: rego?.revision, digest: rego?.digest, rules: rego?.rules };
  };

  /** Set by the first test. */
  const hashes = new Map<string, string | undefined>();
  const digests = new Map<string, string | undefined>();

  test("the good bundle is used, from a web server and from a registry", async () => {
    for (const { policy, via } of cases) {
      await eventually(
        `set of ${policy}`,
        async () => (await setOf(policy)).holds,
        "edge-a,edge-b",
      );
      await says(policy, "Accepted True Accepted", /./);
      const digest = servers.digests[via](policy);
      assert.deepEqual(await inForce(policy), { revision: "r1", digest, rules: 2 });
      hashes.set(policy, (await setOf(policy)).hash);
      digests.set(policy, digest);
    }
  });

  describe("in place of the good one", () => {
    before(async () => {
      for (const one of cases) {
        if ("content" in one) servers.serve(one.policy, await one.content());
        else if (one.answer !== undefined) servers.answer(one.policy, one.answer);
      }
      await downServer.close();
    });
    for (const { name, via, policy, condition, message } of cases) {
      test(`${name} over ${via} is refused with its reason, and the last good one holds`, async () => {
        await says(policy, condition, message);
        assert.equal((await setOf(policy)).hash, hashes.get(policy));
        const digest = digests.get(policy);
        assert.deepEqual(await inForce(policy), { revision: "r1", digest, rules: 2 });
      });
    }
  });

  describe("after a restart, with a workload that came meanwhile", () => {
    before(async () => {
      await cluster.stopOperator();
      await cluster.apply(resources.deployment, aDeployment("c"));
      await cluster.startOperator({ bundleTimeoutMs });
    });
    for (const { name, via, policy, condition, message } of cases) {
      test(`with ${name} over ${via} the last good one is still at work`, async () => {
        const holds = async () => (await setOf(policy)).holds;
        await eventually(`set of ${policy}`, holds, "edge-a,edge-b,edge-c");
        await says(policy, condition, message);
        const digest = digests.get(policy);
        await eventually(
          `status of ${policy}`,
          async () => JSON.stringify(await inForce(policy)),
          JSON.stringify({ revision: "r1", digest, rules: 3 }),
        );
      });
    }
  });

  test("a bundle that is mended is used", async () => {
    const mended = await signedBundle("r3", goodRego);
    const policies = ["http-does-not-compile", "oci-endless-evaluation"];
    for (const policy of policies) servers.serve(policy, mended);
    for (const policy of policies) {
      await says(policy, "Accepted True Accepted", /./);
      assert.equal((await inForce(policy)).revision, "r3");
    }
  });
});
