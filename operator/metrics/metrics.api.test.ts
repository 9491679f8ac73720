import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { resourceOf } from "@guardbee/policy";
import { freePort, whyNoApiServer } from "../../kube/testing/api-server.ts";
import { eventually, readYaml, TestCluster } from "../testing/test-cluster.ts";

const root = new URL("../../", import.meta.url);

describe("the operator's metrics, of a real API server", { skip: whyNoApiServer() }, () => {
  let cluster: TestCluster;
  let port: number;
  before(async () => {
    cluster = await TestCluster.start();
    port = await freePort();
    await cluster.startOperator({ healthPort: port });
  });
  after(() => cluster?.stop());

  /** `name{labels}` → value. */
  async function scrape(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      samples.map((line) => {
        const at = line.lastIndexOf(" ");
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }
  const shows = (sample: string, want: number) =>
    eventually(sample, async () => (await scrape()).get(sample), want);

  test("they follow a policy from its watch to its status and its nodes", async () => {
    await cluster.addNode("a");
    await cluster.addNode("b", { ready: false });
    const [policy] = await readYaml(new URL("config/examples/deny-tmp-forbidden-write.yaml", root));
    await cluster.apply(resourceOf("TracingPolicy"), policy);
    await shows("guardbee_leader", 1);
    await shows('guardbee_nodes{state="unreported"}', 1);
    await shows('guardbee_nodes{state="unreachable"}', 1);
    const pending = 'guardbee_policies{kind="TracingPolicy",ready="Unknown",reason="Pending"}';
    await shows(pending, 1);
    await eventually(
      "both nodes told",
      async () =>
        (await cluster.list(resourceOf("NodePolicySet")))
          .map(({ spec }) => (spec as { readonly sets: readonly string[] }).sets.length)
          .join(),
      "1,1",
    );
    await cluster.report("a");
    await shows('guardbee_policies{kind="TracingPolicy",ready="True",reason="Programmed"}', 1);
    await shows('guardbee_nodes{state="current"}', 1);
    const samples = await scrape();
    assert.equal(samples.get(pending), undefined);
    const at = (sample: string) => samples.get(sample) ?? 0;
    const writes = (resource: string) =>
      at(`guardbee_api_requests_total{verb="PATCH",resource="${resource}",code="2xx"}`);
    assert.equal(writes("selectorsets.guardbee.io"), 1);
    assert.ok(writes("nodepolicysets.guardbee.io") >= 2);
    assert.ok(writes("tracingpolicies.cilium.io/status") >= 2);
    for (const resource of ["nodes", "tracingpolicies", "selectorsets", "nodepolicysets"]) {
      assert.equal(at(`guardbee_watch_state{resource="${resource}",state="watching"}`), 1);
      // The cache of a CRD that is served for the first time answers some watches with 410.
      assert.ok(at(`guardbee_watch_lists_total{resource="${resource}"}`) >= 1);
    }
    assert.ok(at('guardbee_reconcile_total{queue="policies",outcome="done"}') > 0);
    assert.ok(at('guardbee_reconcile_duration_seconds_count{queue="nodes"}') > 0);
    assert.ok(at("process_resident_memory_bytes") > 0);
  });
});
