import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { resources } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";
import { findKubectl, whyNoApiServer } from "../kube/testing/api-server.ts";
import { selfSigned } from "../kube/testing/certificate.ts";
import { skipReason } from "../kube/testing/must-run.ts";
import { tarballOf } from "./bundle/testing/tarball.ts";
import { bundleFiles, goodRego, ours, signedBundle } from "./testing/bundle-faults.ts";
import { type BundleServers, startBundleServers } from "./testing/bundle-servers.ts";
import { eventually, TestCluster } from "./testing/test-cluster.ts";

const regoPolicy = resourceOf("RegoPolicy");
const regoPolicyNamespaced = resourceOf("RegoPolicyNamespaced");
const tracingPolicy = resourceOf("TracingPolicy");
const skip =
  whyNoApiServer() ||
  skipReason(findKubectl() === undefined ? "kubectl is not built" : false) ||
  (process.env.OPA ? false : "OPA is not set");

const generator = (bundle: object) => ({ role: "Generate", evaluate: "PerWorkload", bundle });

describe("sources of bundles, against a real API server", { skip }, () => {
  let cluster: TestCluster;
  const open: BundleServers[] = [];
  const serversWith = async (...args: Parameters<typeof startBundleServers>) => {
    const servers = await startBundleServers(...args);
    open.push(servers);
    return servers;
  };
  before(async () => {
    cluster = await TestCluster.start();
    await cluster.startOperator();
  });
  after(async () => {
    await cluster?.stop();
    await Promise.all(open.map((servers) => servers.close()));
  });

  test("a server and a registry with a private authority are trusted when the policy names it", async () => {
    const { key, cert } = selfSigned();
    const { serve, sources } = await serversWith({ key, cert });
    const good = await tarballOf(bundleFiles("r1", goodRego));
    for (const via of ["http", "oci"] as const) {
      serve(via, good);
      const apply = (name: string, ca: string) =>
        cluster.apply(regoPolicy, {
          metadata: { name: `${name}-${via}` },
          spec: generator(sources[via](via, { ca })),
        });
      await apply("trusted", cert);
      await apply("unknown", selfSigned().cert);
      await apply("wrong", "ca.crt");
      const trusted = await cluster.accepted(regoPolicy, `trusted-${via}`, "True Accepted");
      assert.equal(trusted.rego?.revision, "r1");
      const refused = (name: string) =>
        cluster.accepted(regoPolicy, `${name}-${via}`, "Unknown EvaluationFailed");
      assert.match(
        (await refused("unknown")).message,
        /^Unreachable: https:.*: DEPTH_ZERO_SELF_SIGNED_CERT; check address and server$/,
      );
      assert.equal(
        (await refused("wrong")).message,
        "InvalidSource: bundle ca: has no certificate in PEM; paste the authority's ca.crt",
      );
    }
  });

  test("what nobody gave the operator it cannot read, and the status says what gives it", async () => {
    const name = "given";
    const of = (namespace: string) => ({ name, namespace });
    const binaryData = {
      "b.tar.gz": Buffer.from(await tarballOf(bundleFiles("r1", goodRego))).toString("base64"),
    };
    await cluster.apply(resources.configMap, { metadata: of("default"), binaryData });
    await cluster.apply(resources.secret, { metadata: of("guardbee-system") });
    const http = { url: "https://bundles.example/b", credentials: { name } };
    const notForBundles =
      "is not for bundles; give it the label guardbee.io/bundle-credentials=true";
    const cases = [
      {
        ...{ resource: regoPolicy, metadata: { name }, bundle: { configMap: of("default") } },
        ...{ object: "ConfigMap default/given", afterwards: "True Accepted", says: "" },
      },
      {
        ...{
          resource: regoPolicyNamespaced,
          metadata: of("shop"),
          bundle: { configMap: { name } },
        },
        ...{ object: "ConfigMap shop/given", afterwards: "Unknown EvaluationFailed" },
        says: "Unreachable: ConfigMap shop/given: is not there; create it",
      },
      {
        ...{ resource: regoPolicy, metadata: { name: "secret" }, bundle: { http } },
        ...{ object: "Secret guardbee-system/given", afterwards: "Unknown EvaluationFailed" },
        says: `InvalidSource: Secret guardbee-system/given: ${notForBundles}`,
      },
    ];
    await cluster.apply(resources.namespace, { metadata: { name: "shop" } });
    for (const { resource, metadata, bundle, object, afterwards, says } of cases) {
      const policy = { metadata, spec: generator(bundle) };
      const namespace = "namespace" in metadata ? metadata.namespace : undefined;
      const accepted = (want: string) => cluster.accepted(resource, metadata.name, want, namespace);
      await cluster.apply(resource, policy);
      const { message } = await accepted("Unknown EvaluationFailed");
      const [said, commands] = message.split("; allow it: ");
      assert.equal(said, `InvalidSource: ${object}: the operator may not read it`);
      await runKubectl(cluster, commands!);
      await cluster.delete(resource, metadata.name, namespace); // to be asked again at once
      await cluster.apply(resource, policy);
      await eventually(
        `another answer for ${object}`,
        async () => (await accepted(afterwards)).message,
        (answer) => !answer.includes("may not read it") && answer.includes(says),
      );
      await cluster.delete(resource, metadata.name, namespace);
    }
  });

  test("credentials come from a Secret that is for bundles, and go to the hosts that it names", async () => {
    const given: (string | undefined)[] = [];
    const { serve, answer, sources, hosts } = await serversWith();
    const good = await tarballOf(bundleFiles("r1", goodRego));
    serve("kept", good);
    answer("kept", ({ headers }, response) => {
      given.push(headers.authorization);
      response.end(good);
    });
    const secret = (name: string, label: object, data: object) =>
      cluster.apply(resources.secret, {
        metadata: { name, namespace: "guardbee-system", labels: label },
        data: Object.fromEntries(
          Object.entries(data).map(([key, text]) => [
            key,
            Buffer.from(String(text)).toString("base64"),
          ]),
        ),
      });
    const label = { "guardbee.io/bundle-credentials": "true" };
    const token = "s3cret";
    await secret("unlabelled", {}, { host: hosts.http, token });
    await secret("unbound", label, { token });
    await secret("elsewhere", label, { host: "bundles.example", token });
    await secret("empty", label, { host: hosts.http, token: " \n", password: "x" });
    await secret("nonsense", label, { host: "https://bundles.example/", token });
    await secret("bound", label, { host: `bundles.example ${hosts.http}`, token });
    const apply = (name: string) =>
      cluster.apply(regoPolicy, {
        metadata: { name },
        spec: generator(sources.http("kept", { credentials: { name } })),
      });
    const says = {
      absent: "is not there; create it",
      unlabelled: "is not for bundles; give it the label guardbee.io/bundle-credentials=true",
      unbound: "does not say which host it is for; add host, such as bundles.example:8443",
      elsewhere: "is for another host than the bundle's; add the host to it, or use another Secret",
      empty: "has neither token nor username; add token, or username and password",
      nonsense: "has a host that names none; write name, name:port, *.domain or *.domain:port",
    };
    for (const [name, what] of Object.entries(says)) {
      await cluster.grant("secrets", { namespace: "guardbee-system", name });
      await apply(name);
      const { message } = await cluster.accepted(regoPolicy, name, "Unknown EvaluationFailed");
      assert.equal(message, `InvalidSource: Secret guardbee-system/${name}: ${what}`);
    }
    assert.deepEqual(given, []);
    await cluster.grant("secrets", { namespace: "guardbee-system", name: "bound" });
    await apply("bound");
    await cluster.accepted(regoPolicy, "bound", "True Accepted");
    assert.deepEqual(given, ["Bearer s3cret"]);
  });

  test("a namespaced policy asks no host but those that the operator is told", async () => {
    const { serve, sources, hosts } = await serversWith();
    const good = await tarballOf(bundleFiles("r1", goodRego));
    for (const via of ["http", "oci"] as const) {
      serve(via, good);
      await cluster.apply(regoPolicyNamespaced, {
        metadata: { name: via, namespace: "default" },
        spec: generator(sources[via](via)),
      });
      const { message } = await cluster.accepted(
        ...([regoPolicyNamespaced, via, "Unknown EvaluationFailed", "default"] as const),
      );
      assert.match(message, /^InvalidSource: .*: is at a host that is not listed; /);
    }
    await cluster.stopOperator();
    await cluster.startOperator({ namespacedBundleHosts: Object.values(hosts) });
    for (const via of ["http", "oci"]) {
      const status = await cluster.accepted(
        ...([regoPolicyNamespaced, via, "True Accepted", "default"] as const),
      );
      assert.equal(status.rego?.revision, "r1");
    }
  });

  test("a guard rail whose bundle is broken goes on with the last good one, also after a restart", async () => {
    const { serve, sources } = await serversWith();
    const guard = (body: string) => `package guardbee.guardrail

import rego.v1

decision := {"deny": deny}

deny contains {"field": "metadata.name", "what": "is forbidden", "fix": "choose another"} if {
	${body}
}
`;
    serve(
      "names",
      await signedBundle("r1", guard('startswith(input.policy.metadata.name, "bad")')),
    );
    const bundle = {
      ...sources.http("names"),
      verification: { keys: [ours.key] },
      pollInterval: "5s",
    };
    const spec = { role: "Guardrail", bundle };
    await cluster.apply(regoPolicy, { metadata: { name: "names" }, spec });
    const good = await cluster.accepted(regoPolicy, "names", "True Accepted");
    const kill = {
      ...{ call: "fd_install", syscall: false, args: [{ index: 1, type: "file" }] },
      selectors: [
        {
          matchArgs: [{ index: 1, operator: "Prefix", values: ["/srv/"] }],
          matchActions: [{ action: "Sigkill" }],
        },
      ],
    };
    const refused = async (name: string) => {
      const object = { metadata: { name }, spec: { kprobes: [kill] } };
      await cluster.apply(tracingPolicy, object);
      const { message } = await cluster.accepted(tracingPolicy, name, "False Refused");
      assert.equal(
        message,
        "metadata.name: is forbidden (guard rail RegoPolicy names); choose another",
      );
    };
    await refused("bad-1");
    serve("names", await signedBundle("r2", guard("input.policy.metadata.name == name")));
    const broken = await cluster.accepted(regoPolicy, "names", "False InvalidRego");
    assert.match(broken.message, /^edge\.rego:8:\d+: rego_unsafe_var_error: var name is unsafe/);
    assert.deepEqual(broken.rego, good.rego);
    await refused("bad-2");
    await cluster.stopOperator();
    await cluster.startOperator();
    await refused("bad-3");
    await cluster.accepted(regoPolicy, "names", "False InvalidRego");
    serve("names", await signedBundle("r3", guard('input.policy.metadata.name == "none"')));
    await cluster.accepted(regoPolicy, "names", "True Accepted");
    await cluster.accepted(tracingPolicy, "bad-3", "True Accepted");
  });
});

/** Runs commands as they were printed for a person. */
async function runKubectl({ access }: TestCluster, commands: string): Promise<void> {
  const flags = `--server=${access.server} --token=${access.token} --insecure-skip-tls-verify`;
  const kubectl = `kubectl() { ${findKubectl()} ${flags} "$@"; }`;
  await promisify(execFile)("sh", ["-c", `${kubectl}; ${commands}`]);
}
