import assert from "node:assert/strict";
import { describe, test } from "node:test";
import yargs, { type Argv } from "yargs";
import { agent } from "../../cli/commands/agent.ts";
import {
  helm,
  nameOf,
  renderChart,
  runProgram,
  templateArgs,
  whyNotBuilt,
} from "./lab-programs.ts";

describe("agent.flags of the chart", { skip: whyNotBuilt("helm") }, () => {
  test("become arguments of the agent, which takes them", async () => {
    const flags = {
      "export-denylist": '{"health_check":true}\n{"namespace":["", "kube-system"]}',
      "enable-process-cred": true,
      "process-cache-size": 1_000_000,
      "request-hosts": ["a.example", "b.example"],
    };
    const args = argsOf(JSON.stringify(flags));
    assert.deepEqual(args.slice(-5), [
      "--enable-process-cred=true",
      `--export-denylist=${flags["export-denylist"]}`,
      "--process-cache-size=1000000",
      "--request-hosts=a.example",
      "--request-hosts=b.example",
    ]);
    const taken = await (agent.options(yargs(args.slice(1)).strict()) as Argv).parse();
    assert.deepEqual(
      Object.keys(flags).map((name) => (taken as Record<string, unknown>)[name]),
      Object.values(flags),
    );
  });

  for (const [name, why] of [
    ["export-denylists", "value must be one of"],
    ["health-port", "value must be one of"],
  ] as const) {
    test(`refuse ${name}`, () => {
      const { code, stderr } = runProgram(helm, templateArgs([`agent.flags.${name}="x"`]));
      assert.equal(code, 1);
      // Where a name is wrong Helm says another place as often as not; the name it says right.
      assert.match(stderr, new RegExp(`invalid propertyName '${name}'.*${why}`, "s"));
    });
  }
});

/** Arguments of the agent with these values of agent.flags, in JSON. */
function argsOf(flags: string): string[] {
  const daemonSet = renderChart(`agent.flags=${flags}`).find(
    (object) => nameOf(object) === "DaemonSet guardbee-system/guardbee-agent",
  );
  const { containers } = (daemonSet as unknown as DaemonSet).spec.template.spec;
  return containers[0]!.args;
}

type DaemonSet = {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: { readonly args: string[] }[] } };
  };
};
