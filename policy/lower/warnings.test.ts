import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicyObject } from "../parse-object.ts";
import { formatProblem } from "../problem.ts";
import { aKprobePolicy, anExecPolicy, aTracingPolicy } from "../testing/a-policy.ts";
import { lower } from "./index.ts";

function warningsOf(raw: object): readonly string[] {
  const parsed = parsePolicyObject(raw);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return lower(parsed.value).warnings.map(formatProblem);
}

const args = [
  { index: 0, type: "int" },
  { index: 1, type: "file" },
];
const withPath = (operator: string, value: string) =>
  aKprobePolicy({
    ...{ call: "fd_install", syscall: false, args },
    selectors: [{ matchArgs: [{ index: 1, operator, values: [value] }] }],
  });
const field = "spec.kprobes[0].selectors[0].matchArgs[0].values[0]";
const normal = "write the path that it leads to: the kernel compares paths without . .. and //";
const ofPaths: readonly { operator: string; value: string; want: string | undefined }[] = [
  { operator: "Equal", value: "/etc/shadow", want: undefined },
  { operator: "Prefix", value: "/etc/", want: undefined },
  { operator: "Prefix", value: "/etc/.", want: undefined },
  { operator: "Equal", value: "/", want: undefined },
  { operator: "Equal", value: "/srv/..data/x", want: undefined },
  {
    ...{ operator: "Equal", value: "/etc/" },
    want: "and no path ends with /; remove the /, or use operator Prefix",
  },
  { operator: "Equal", value: "/etc/.", want: `which is not a normal path; ${normal}` },
  { operator: "Equal", value: "/etc/..", want: `which is not a normal path; ${normal}` },
  { operator: "NotPrefix", value: "/a/./b", want: `which is not a normal path; ${normal}` },
  { operator: "Prefix", value: "//etc", want: `which is not a normal path; ${normal}` },
  { operator: "Prefix", value: "\t/etc", want: "with a blank at its end; remove the blank" },
  {
    ...{ operator: "Equal", value: "/etc/{passwd,shadow}" },
    want: "which is compared as it is: there are no wildcards; write the path itself, or operator Prefix with what stands before it",
  },
  {
    ...{ operator: "Prefix", value: "/home/$USER/" },
    want: "which no shell expands here; write the path itself",
  },
];
for (const { operator, value, want } of ofPaths) {
  test(`${operator} ${JSON.stringify(value)}: ${want === undefined ? "no warning" : "a warning"}`, () => {
    const wanted = want === undefined ? [] : [`${field}: is ${JSON.stringify(value)}, ${want}`];
    assert.deepEqual(warningsOf(withPath(operator, value)), wanted);
  });
}

const kprobes = [{ call: "sys_lseek" }];
const others: readonly { name: string; policy: object; want: readonly string[] }[] = [
  {
    name: "a binary at a relative path",
    policy: anExecPolicy([{ matchBinarys: { values: ["nc"] } }]),
    want: [
      'spec.rules.selectors[0].matchBinarys.values[0]: is "nc", which is relative and matches nothing; write the path from / on',
    ],
  },
  {
    name: "a repository with a tag, and a name that no container has",
    policy: aTracingPolicy({
      kprobes,
      containerSelector: {
        matchLabels: { name: "my_app" },
        matchExpressions: [{ key: "repo", operator: "In", values: ["nginx:1.27", "r.io:5000/a"] }],
      },
    }),
    want: [
      'spec.containerSelector.matchLabels[name]: is "my_app", and no container has such a name; at most 63 lower-case letters, digits and -, with a letter or digit at each end',
      'spec.containerSelector.matchExpressions[0].values[0]: is "nginx:1.27", and no image has such a repository; write the image without scheme, tag and digest: docker.io/library/nginx',
    ],
  },
  {
    name: "a process id that no process has",
    policy: aKprobePolicy({ selectors: [{ matchPIDs: [{ operator: "In", values: [4194305] }] }] }),
    want: [
      "spec.kprobes[0].selectors[0].matchPIDs[0].values[0]: is 4194305, which is no process; at most 4194304",
    ],
  },
  {
    name: "more bytes of what has no length",
    policy: aKprobePolicy({ args: [{ index: 1, type: "string", maxData: true }] }),
    want: [
      "spec.kprobes[0].args[0].maxData: has no meaning; remove it: only a char_buf or char_iovec or iov_iter has it",
    ],
  },
  {
    name: "a message that is cut",
    policy: aKprobePolicy({ message: "x".repeat(257) }),
    want: ["spec.kprobes[0].message: has 257 bytes, and is cut; at most 256 are in events"],
  },
];
for (const { name, policy, want } of others) {
  test(`warns of ${name}`, () => assert.deepEqual(warningsOf(policy), want));
}

test("a capability without CAP_ is refused, and its name is told", () => {
  const parsed = parsePolicyObject(
    anExecPolicy([{ matchCapabilities: [{ operator: "In", values: ["SYS_ADMIN"] }] }]),
  );
  assert.ok(parsed.ok);
  const result = lower(parsed.value);
  assert.match(
    result.ok ? "" : result.problems.map(formatProblem).join(),
    /values\[0\]: is "SYS_ADMIN"; did you mean CAP_SYS_ADMIN\? allowed: CAP_CHOWN/,
  );
});

test("warns of annotations that are nearly ours, and of no others", () => {
  const annotations = {
    "guardbee.io/monitorfirst": "1h",
    "Guardbee.io/rollout-waves": "100%",
    "guardbee.io/monitor-first": "1h",
    "guardbee.io/allow-cluster-wide": "true",
    "guardbee.io/owner": "me",
    "example.com/note": "x",
  };
  const policy = { ...aKprobePolicy({}), metadata: { name: "p", annotations } };
  const what = "is no annotation that anybody reads; did you mean";
  assert.deepEqual(warningsOf(policy), [
    `metadata.annotations[guardbee.io/monitorfirst]: ${what} guardbee.io/monitor-first?`,
    `metadata.annotations[Guardbee.io/rollout-waves]: ${what} guardbee.io/rollout-waves?`,
  ]);
});
