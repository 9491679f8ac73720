import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isProduct, root } from "./imports.ts";
import { functionsIn, functionsInC, openSources } from "./sources.ts";

const maxFileLines = 350;
const maxFunctionLines = 80;

const sources = openSources();
after(() => sources.close());

/** TypeScript that ships, generated files excepted. */
const product = [...sources.files].filter(
  ([file]) => /^(policy|kube|operator|agent|cli|build)\//.test(file) && ships(file),
);
/** The same of C and C++. */
const native = globSync("{bpf,agent/kernel/native}/**/*.{c,h,cc}", { cwd: root })
  .filter(ships)
  .map((file): [string, string] => [file, readFileSync(join(root, file), "utf8")]);

test(`no file that ships has more than ${maxFileLines} lines`, () => {
  const texts = [...product.map(([file, { text }]): [string, string] => [file, text]), ...native];
  const long = texts
    .map(([file, text]) => ({ file, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > maxFileLines)
    .map(({ file, lines }) => `${file}: ${lines} lines`);
  assert.deepEqual(long, []);
});

test(`no function that ships has more than ${maxFunctionLines} lines`, () => {
  const functions = [
    ...product.map(([file, source]) => ({ file, spans: functionsIn(source) })),
    ...native.map(([file, text]) => ({ file, spans: functionsInC(text) })),
  ];
  const long = functions.flatMap(({ file, spans }) =>
    spans
      .filter(({ lines }) => lines > maxFunctionLines)
      .map(({ name, lines }) => `${file}: ${name}: ${lines} lines`),
  );
  assert.deepEqual(long, []);
});

test("functions of C and C++ are found with their lines", () => {
  const text = `/* A file. */
struct pair {
	int a, b;
};

static __always_inline int pair__sum(struct pair *pair,
				     int more)
{
	return pair->a + pair->b + more;
}

#define CASE(x) {
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	return 0;
}

Napi::Value Session::Close(const Napi::CallbackInfo& info) {
  return info.Env().Undefined();
}
`;
  assert.deepEqual(functionsInC(text), [
    { name: "pair__sum", lines: 5 },
    { name: "on_exec", lines: 4 },
    { name: "Session::Close", lines: 3 },
  ]);
});

function ships(file: string): boolean {
  return isProduct(file) && !/(^|\/)(gen|testing|testdata)\//.test(file);
}
