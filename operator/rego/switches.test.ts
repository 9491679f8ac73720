import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "@guardbee/policy";
import { readSwitches } from "./switches.ts";

const read = (data: unknown) => {
  const { off, problems } = readSwitches(data);
  return { off, problems: problems.map((one) => formatProblem(one)) };
};

test("a guard rail is off only where the ConfigMap says disabled", () => {
  const data = { "system-namespaces": "disabled", "cluster-wide": "enabled" };
  assert.deepEqual(read(data), { off: ["system-namespaces"], problems: [] });
  assert.deepEqual(read(undefined), { off: [], problems: [] });
});

test("names and values that mean nothing are said, and switch nothing off", () => {
  assert.deepEqual(
    read({ "cluster-wide": "false", "host-protection": "Disabled", all: "disabled" }),
    {
      off: [],
      problems: [
        'data[cluster-wide]: is "false", so the guard rail stays on; write enabled or disabled',
        'data[host-protection]: is "Disabled", so the guard rail stays on; write enabled or disabled',
        "data[all]: is no built-in guard rail; there are cluster-wide, host-protection, namespace-rights, system-namespaces",
      ],
    },
  );
});
