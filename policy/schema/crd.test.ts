import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { anySelectorSet } from "../decide/arbitrary.ts";
import { conform } from "./conform.ts";
import { crdOf, formatCrd } from "./crd.ts";
import { kinds } from "./kinds.ts";
import { selectorSetSpec } from "./selector-set.ts";
import type { Shape } from "./shape.ts";

for (const kind of kinds) {
  test(`crds/ has ${kind.kind} as the schema gives it`, () => {
    const url = new URL(`../../crds/${kind.group}_${kind.plural}.yaml`, import.meta.url);
    assert.equal(readFileSync(url, "utf8"), formatCrd(kind));
  });

  test(`the CRD of ${kind.kind} is a structural schema`, () => {
    const crd = crdOf(kind) as { spec: { versions: { schema: { openAPIV3Schema: Shape } }[] } };
    assert.deepEqual(misfits(crd.spec.versions[0]!.schema.openAPIV3Schema, "$"), []);
  });

  test(`the CRD of ${kind.kind} reads the same as YAML 1.1, which kubectl speaks`, () => {
    assert.deepEqual(parse(formatCrd(kind), { version: "1.1" }), parse(formatCrd(kind)));
  });
}

const policies = kinds.filter(({ group }) => group === "cilium.io");
for (const kind of policies) {
  test(`a new ${kind.kind} is Ready=Unknown from the start`, () => {
    const result = conform(kind.schema, { spec: { rules: {} } }, "");
    const other = conform(kind.schema, { spec: {} }, "");
    const fitting = result.ok ? result : other;
    assert.ok(fitting.ok);
    const { status } = fitting.value as { status: { conditions: { type: string }[] } };
    assert.deepEqual(
      status.conditions.map((condition) => ({ ...condition })),
      [
        {
          type: "Ready",
          status: "Unknown",
          reason: "Pending",
          message: "waiting for the operator",
          lastTransitionTime: "1970-01-01T00:00:00Z",
        },
      ],
    );
  });
}

test("the SelectorSet schema takes every set, and prunes nothing of it", () => {
  fc.assert(
    fc.property(fc.array(anySelectorSet, { maxLength: 3 }), (sets) => {
      const result = conform(selectorSetSpec, { hash: "x", sets }, "spec");
      assert.deepEqual(plain(result), plain({ ok: true, value: { hash: "x", sets } }));
    }),
  );
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Where the API server would say that a schema is not structural. */
function misfits(schema: Shape, at: string): string[] {
  const { properties = {}, additionalProperties, items } = schema;
  const isMixed = schema["x-kubernetes-int-or-string"] === true;
  return [
    ...(schema.type === undefined && !isMixed ? [`${at} has no type`] : []),
    ...(["oneOf", "allOf", "not", "patternProperties", "const", "$ref", "$id"] as const)
      .filter((word) => word in schema)
      .map((word) => `${at} has ${word}`),
    ...("anyOf" in schema && !isMixed ? [`${at} has anyOf`] : []),
    ...Object.entries(properties).flatMap(([key, member]) => misfits(member, `${at}.${key}`)),
    ...(additionalProperties === undefined ? [] : misfits(additionalProperties, `${at}{}`)),
    ...(items === undefined ? [] : misfits(items, `${at}[]`)),
  ];
}
