import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProcessTree } from "../../process/tree.ts";
import { decodeRecord } from "../../records/decode.ts";
import type { CloneRecord, ExecRecord } from "../../records/kernel-record.ts";
import { cloneRecord, execRecord } from "../../records/testing-records.ts";
import { someEvents } from "../testing/some-events.ts";
import { listedObjects } from "./json-objects.ts";
import { compileRedaction, type Redaction } from "./redaction.ts";
import { formatProblems } from "./report.ts";

function redaction(...filters: readonly object[]): Redaction {
  const compiled = compileRedaction(listedObjects("x", filters as []));
  assert.ok(compiled.ok, compiled.ok ? "" : formatProblems(compiled.problems));
  return compiled.value!;
}

const { image } = someEvents().curl.process!;
const hidden = (words: string, ...filters: readonly object[]) =>
  redaction(...filters)({ ...image, arguments: words }).arguments;

const cases: readonly { name: string; words: string; redact: readonly string[]; want: string }[] = [
  {
    name: "each group of each match",
    words: "-p a -p b -x c",
    redact: ["-p (\\w)"],
    want: "-p ***** -p ***** -x c",
  },
  { name: "several groups", words: "a=1,b=2", redact: ["a=(.),b=(.)"], want: "a=*****,b=*****" },
  {
    name: "a group within another with it",
    words: "k:secret!",
    redact: ["k:(s(e)cret)(!)"],
    want: "k:**********",
  },
  {
    name: "a group that took no part not at all",
    words: "x=1",
    redact: ["(y)|x=(.)"],
    want: "x=*****",
  },
  { name: "an empty group as upstream does", words: "x=", redact: ["x=(.*)"], want: "x=*****" },
  {
    name: "what comes after the first expression",
    words: "a b",
    redact: ["(a)", "(b)"],
    want: "***** *****",
  },
  {
    name: "outside of the basic plane",
    words: "😀 p=é😀 x",
    redact: ["p=(\\S+)"],
    want: "😀 p=***** x",
  },
  { name: "nothing without a match", words: "abc", redact: ["(x)"], want: "abc" },
];
for (const { name, words, redact, want } of cases) {
  test(`hides ${name}`, () => assert.equal(hidden(words, { redact }), want));
}

test("a filter is for the executables that it names, and an image that it does not change is the same", () => {
  const filter = { binary_regex: ["/curl$"], redact: ["user:(\\w+)"], match: [{ pid: [1] }] };
  assert.equal(redaction(filter)(image).arguments, "-u user:***** https://example");
  const bash = { ...image, binary: "/bin/bash" };
  assert.equal(redaction(filter)(bash), bash);
});

test("a variable of the environment is seen as NAME=value, and hidden as the arguments are", () => {
  const redact = redaction({ redact: ["^(?:TOKEN|.*_KEY)=(.*)", "(X=Y)"] });
  const environment = [
    ["PATH", "/bin"],
    ["TOKEN", "a=b"],
    ["API_KEY", ""],
    ["X", "Y"],
  ] as const;
  const hidden = redact({ ...image, environment }).environment;
  assert.deepEqual(hidden, [
    ["PATH", "/bin"],
    ["TOKEN", "*****"],
    ["API_KEY", "*****"],
    ["*****", ""],
  ]);
  const plain = { ...image, environment: environment.slice(0, 1) };
  assert.equal(redact(plain), plain);
});

test("what hides nothing is refused, because its author believes that it hides something", () => {
  const compiled = compileRedaction(
    listedObjects("x", [{ redact: ["--pw=\\S+", "("] }, {}, { redat: [] }]),
  );
  assert.ok(!compiled.ok);
  const fix = "write an expression of RE2's syntax, with what is to be hidden in ( )";
  assert.deepEqual(formatProblems(compiled.problems).split("\n"), [
    `x[0].redact[0]: is "--pw=\\\\S+": it has no group, and hides nothing; ${fix}`,
    `x[0].redact[1]: is "(": missing closing ): \`(\`; ${fix}`,
    "x[1].redact: is empty, and hides nothing; write expressions with groups",
    "x[2].redat: is no field of a redaction filter; did you mean redact? allowed: match, redact, binary_regex",
  ]);
});

test("the process tree never knows what is hidden: not of an exec, a clone or a scanned process", () => {
  const redact = redaction({ redact: ["-u (\\S+)"] });
  const tree = new ProcessTree(() => 0, { redact });
  const args = ["curl", "-u", "me:secret"];
  const exec = tree.exec(decodeRecord(execRecord({ args }), 0) as ExecRecord);
  const clone = tree.clone(decodeRecord(cloneRecord(), 0) as CloneRecord);
  const found = { image: { ...image, arguments: "-u me:secret" }, parentPid: 1 };
  const scanned = tree.scanned({ pid: 7, ktime: 7n }, found);
  for (const process of [exec, clone, scanned]) assert.equal(process?.image.arguments, "-u *****");
});

test("no secret is left, wherever it stands among arguments of others", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "-", "=", " ", "é", '"', "\n", "😀") });
  fc.assert(
    fc.property(word, word, (before, after) => {
      const words = hidden(`${before} --token=S3CRET ${after}`, { redact: ["--token=(\\w+)"] });
      assert.equal(words, `${before} --token=***** ${after}`);
    }),
  );
});
