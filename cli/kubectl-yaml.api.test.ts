import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { isDeepStrictEqual, promisify } from "node:util";
import fc from "fast-check";
import { findKubectl } from "../kube/testing/api-server.ts";
import { skipReason } from "../kube/testing/must-run.ts";
import { oddPolicies } from "../policy/testing/odd-policies.ts";
import { readDocuments } from "../policy/yaml/read.ts";

const kubectl = findKubectl();
const skip = skipReason(kubectl ? false : "kubectl is not built");
const run = promisify(execFile);

type Values = { readonly values: readonly unknown[]; readonly refused: boolean };

describe("what kubectl reads", { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "guardbee-kubectl-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** The objects that kubectl makes of files, none of which it refuses, in the files' order. */
  async function kubectlReads(files: readonly (string | Uint8Array)[]): Promise<Values> {
    const args = ["label", "--local", "-o", "json"];
    for (const [i, content] of files.entries()) {
      const path = join(folder, `${i}.yaml`);
      await writeFile(path, content);
      args.push("-f", path);
    }
    try {
      const { stdout } = await run(kubectl!, [...args, "of=kubectl"], { maxBuffer: 64 << 20 });
      const values = readDocuments(Buffer.from(stdout)).map((one) =>
        withoutLabel((one as { value: unknown }).value),
      );
      return { values, refused: false };
    } catch {
      return { values: [], refused: true };
    }
  }

  function weRead(content: string | Uint8Array): Values {
    const documents = readDocuments(Buffer.from(content));
    const values = documents.flatMap((one) => ("error" in one ? [] : [plain(one.value)]));
    return { values, refused: values.length < documents.length };
  }

  const scalars = [
    ...[
      "y",
      "Yes",
      "on",
      "n",
      "NO",
      "off",
      "tRue",
      "~",
      "Null",
      "nULL",
      "",
      "011",
      "0o11",
      "0x1_F",
    ],
    ...[
      "0b11",
      "-0b11",
      "0b-1",
      "1_000",
      "08",
      "0o8",
      "1e3",
      "1.",
      ".5",
      "+.5",
      ".5_0",
      "-0",
      "1:30",
    ],
    ...["2026-11-29", "2026-11-29T10:00:00Z", "18446744073709551615", "-9223372036854775808"],
    ...["9007199254740993", "1e400", "1e21", "123456789012345678901234567890", "_1", "1__0", "0.1"],
    ...["!!str 1", '!!int "3"', "!!float 3", "!!bool yes", "!!binary aGk=", "!mine 1", "! 1"],
    ...[
      "&x 1",
      '"a\\x41\\u00e9\\_"',
      "'it''s'",
      "x # c",
      "x#c",
      "|\n    b\n     c\n",
      ">-\n    b\n    c\n",
    ],
    ...["{1: a, yes: b, 1.5: c, 1e9: d, 011: e}", "{<<: {a: 1}, b: 2}", "{a: 1, <<: {a: 2}}"],
    ...["{a: 1, a: 2}", "[1,]", "{x: 1, y}", "{? x}", "[a: 1]", "{a: [{b: yes}]}", "!!set {x}"],
    ...["[&x {a: 1}, *x, {<<: *x}]", "{<<: [{a: 1}, {a: 2, b: 3}]}"],
    ...["[a,#b\n    c]", "x\ufeffy", "'a'#b"],
  ];
  const wrap = (text: string, i: number) =>
    `apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nmetadata: {name: n${i}}\nspec:\n  value: ${text}\n`;

  test("odd scalars, keys and merges have kubectl's values", async () => {
    const files = scalars.map(wrap);
    const read = await kubectlReads(files);
    assert.equal(read.refused, false);
    for (const [i, text] of scalars.entries()) {
      assert.deepEqual(weRead(files[i]!).values, [read.values[i]], text);
    }
    assert.equal(read.values.length, files.length);
  });

  const refused = [
    ...[
      ".inf",
      ".NaN",
      "!!null x",
      "!!binary a",
      "{~: a}",
      "{[a]: b}",
      "*x",
      "@a",
      "`a",
      "[a",
      '"\\/"',
      '"\\ud83d\\ude00"',
      '"\\U0000d83d"',
      "[a?b]",
      "{a:{b: c}}",
      "[a:[b]]",
      "{a: http://x/?y}",
      "{a: ::1}",
    ],
    ...["a\n\tb: 1", "\u0001", "!!int x", "&x [*x]"],
  ];
  for (const text of refused) {
    test(`kubectl refuses ${JSON.stringify(text)}, and so do we`, async () => {
      assert.equal((await kubectlReads([wrap(text, 0)])).refused, true);
      assert.equal(weRead(wrap(text, 0)).refused, true);
    });
  }

  test("files in odd forms have kubectl's objects", async () => {
    // The command that is asked here writes empty labels and namespaces its own way.
    const others = oddPolicies.filter(
      ({ name }) => !/^(empty-label|empty-namespace|null-labels-of-its-own)$/.test(name),
    );
    const files = others.map(({ content }) => content);
    for (const content of files.filter((one) => weRead(one).values.length > 0)) {
      const { values, refused: no } = await kubectlReads([content]);
      if (no) continue; // for what it says beyond the text: no kind, no name
      assert.deepEqual(weRead(content).values.flatMap(itemsOf), values, String(content));
    }
  });

  test("random values mean to us what they mean to kubectl, or are refused", async () => {
    const char = fc.constantFrom(..."0179xXoObBeE_.+-:~yYnNtfaz");
    const scalar = fc.array(char, { minLength: 1, maxLength: 7 }).map((chars) => chars.join(""));
    const texts = fc.sample(scalar, 2_000).filter((text) => !/^-$|: |:$|^[:~].|^- /.test(text));
    const usable = texts.filter((text) => !weRead(wrap(text, 0)).refused);
    assert.ok(usable.length > 1_000);
    const spec = usable.map((text) => `- ${text}\n`).join("  ");
    const file = wrap(`\n  ${spec}`, 0);
    const [value] = (await kubectlReads([file])).values as { spec: { value: unknown[] } }[];
    const [ours] = weRead(file).values as { spec: { value: unknown[] } }[];
    const different = usable.filter(
      (_, i) => !isDeepStrictEqual(value?.spec.value[i], ours?.spec.value[i]),
    );
    assert.deepEqual(different, []);
    assert.equal(value?.spec.value.length, usable.length);
  });
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** A list as kubectl takes it apart. */
function itemsOf(value: unknown): readonly unknown[] {
  const { items } = value as { readonly items?: readonly unknown[] };
  return items ?? [value];
}

/** Less the label that was asked for, and the metadata that this has added. */
function withoutLabel(value: unknown): unknown {
  const { metadata, ...rest } = plain(value) as { metadata: { labels: Record<string, string> } };
  const { of: _of, ...labels } = metadata.labels;
  const { labels: _labels, ...others } = metadata;
  const kept = Object.keys(labels).length === 0 ? others : { ...others, labels };
  return Object.keys(kept).length === 0 ? rest : { ...rest, metadata: kept };
}
