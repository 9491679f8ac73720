/** A file of a policy, or of what should be one. Names are unique: each is metadata.name, too. */
export type OddFile = { readonly name: string; readonly content: string | Uint8Array };

type Parts = {
  readonly kind?: string;
  readonly apiVersion?: string;
  /** Rows of metadata below its name. */
  readonly metadata?: string;
  /** Rows of spec beside kprobes. */
  readonly spec?: string;
  /** In place of all of spec. */
  readonly whole?: string;
  /** Rows of the hook. */
  readonly hook?: string;
};

function policy(name: string, parts: Parts): string {
  const { kind = "TracingPolicy", apiVersion = "cilium.io/v1alpha1" } = parts;
  const { metadata = "", spec = "", hook = hooks.kill } = parts;
  const { whole = `spec:\n  podSelector: {matchLabels: {app: web}}\n${spec}${hook}` } = parts;
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${metadata}${whole}`;
}

const hook = (rows: string) =>
  `  kprobes:\n  - call: fd_install\n    syscall: false\n    args:\n    - {index: 0, type: int}\n    - {index: 1, type: file}\n${rows}`;
const selector = (rows: string) => hook(`    selectors:\n${rows}`);
const values = (list: string, operator = "Prefix") =>
  selector(
    `    - matchArgs:\n      - {index: 1, operator: ${operator}, values: ${list}}\n      matchActions: [{action: Sigkill}]\n`,
  );
const action = (text: string) =>
  selector(
    `    - matchArgs:\n      - {index: 1, operator: Prefix, values: [/srv/]}\n      matchActions: [${text}]\n`,
  );
const hooks = { kill: values("[/srv/]") };

const exec = (items: string, spec = "  podSelector: {}\n"): Parts => ({
  kind: "ExecPolicy",
  whole: `spec:\n${spec}  rules:\n    selectors:\n${items}`,
});
const kills = "    - matchActions: [{action: Sigkill}]\n";

/** What a scalar is decides; each is an argSig, a label, a value and a flag. */
const scalars: Readonly<Record<string, string>> = {
  plain9: "9",
  octal: "011",
  octal0o: "0o11",
  hex: "0x9",
  binary: "0b1001",
  underscore: "1_0",
  exponent: "1e1",
  float: "9.0",
  fraction: "9.5",
  plus: "+9",
  eight: "08",
  infinity: ".inf",
  nan: ".nan",
  yes: "yes",
  no: "No",
  on: "ON",
  y: "y",
  n: "N",
  true: "True",
  mixed: "tRue",
  tilde: "~",
  null: "Null",
  date: "2026-11-29",
  time: "2026-11-29T10:00:00Z",
  sexagesimal: "1:30",
  "int-tag": '!!int "9"',
  "str-tag": "!!str 9",
  "own-tag": "!mine 9",
  quoted: '"9"',
  max64: "18446744073709551615",
  beyond64: "18446744073709551616",
};

const ofScalars: Readonly<Record<string, Parts>> = Object.fromEntries(
  Object.entries(scalars).flatMap(([name, text]) => [
    [`signal-${name}`, { hook: action(`{action: Signal, argSig: ${text}}`) }],
    [`label-${name}`, { spec: `  nodeSelector: {matchLabels: {zone: ${text}}}\n` }],
    [`flag-${name}`, { hook: `${hooks.kill}    return: ${text}\n    returnArg: {index: 0}\n` }],
  ]),
);

const ofPolicies: Readonly<Record<string, Parts>> = {
  "null-pods": { whole: `spec:\n  podSelector:\n${hooks.kill}` },
  "null-containers": { spec: "  containerSelector: null\n" },
  "null-nodes": { spec: "  nodeSelector: ~\n" },
  "null-host": { spec: "  hostSelector:\n" },
  "null-labels": { whole: `spec:\n  podSelector:\n    matchLabels:\n${hooks.kill}` },
  "null-label": { whole: `spec:\n  podSelector: {matchLabels: {app: }}\n${hooks.kill}` },
  "null-expressions": { whole: `spec:\n  podSelector: {matchExpressions: }\n${hooks.kill}` },
  "null-values": {
    whole: `spec:\n  podSelector: {matchExpressions: [{key: a, operator: In, values: }]}\n${hooks.kill}`,
  },
  "null-arguments": {
    hook: selector("    - matchArgs:\n      matchActions: [{action: Sigkill}]\n"),
  },
  "null-binaries": {
    hook: selector("    - matchBinaries:\n      matchActions: [{action: Sigkill}]\n"),
  },
  "null-actions": { hook: selector("    - matchActions:\n") },
  "null-selectors": { hook: hook("    selectors:\n") },
  "null-selector": { hook: hook("    selectors:\n    -\n") },
  "null-options": { spec: "  options:\n" },
  "null-kprobes": { hook: "  kprobes:\n" },
  "null-message": { hook: `${hooks.kill}    message:\n` },
  "null-match-values": { hook: values("") },
  "null-status": { hook: `${hooks.kill}status:\n` },
  "null-mode": exec(kills, "  podSelector: {}\n  mode:\n"),
  "null-binarys": exec(`    - matchBinarys:\n      values: [/bin/nc]\n${kills}`),
  "null-pids": exec(`    - matchPIDs:\n${kills}`),
  "empty-pods": { whole: `spec:\n  podSelector: {}\n${hooks.kill}` },
  "many-values": { hook: values(`[${Array.from({ length: 10_001 }, (_, i) => `/v${i}`).join()}]`) },
  "many-hooks": {
    hook: `  kprobes:\n${Array.from({ length: 129 }, () => "  - call: sys_read\n").join("")}`,
  },
  "many-labels": {
    spec: `  nodeSelector: {matchLabels: {${Array.from({ length: 65 }, (_, i) => `l${i}: a`).join()}}}\n`,
  },
  "namespaced-function": {
    kind: "TracingPolicyNamespaced",
    metadata: "  namespace: default\n",
    hook: "  kprobes: [{call: security_task_kill, syscall: false}]\n",
  },
  "namespaced-call": {
    kind: "TracingPolicyNamespaced",
    metadata: "  namespace: default\n",
    hook: "  kprobes: [{call: sys_read}]\n",
  },
  "null-labels-of-its-own": { metadata: "  labels:\n  annotations:\n" },
  "upper-label-prefix": { metadata: "  labels: {Example.com/a: b}\n" },
  "long-label": { metadata: `  labels: {a: ${"x".repeat(64)}}\n` },
  "own-fields": { metadata: "  generation: 3\n  finalizers: []\n" },
  "empty-spec": { whole: "spec: {}\n" },
  "no-spec": { whole: "" },
  "text-spec": { whole: "spec: yes\n" },
  "unknown-field": { spec: "  podSelectors: {}\n" },
  "unknown-metadata": { metadata: "  lables: {a: b}\n" },
  "number-label": { metadata: "  labels: {a: 1}\n" },
  "bad-label": { metadata: "  labels: {a: 'b c'}\n" },
  "bad-label-key": { metadata: "  labels: {'a b': c}\n" },
  "empty-label": { metadata: "  labels: {a: }\n" },
  "yes-annotation": { metadata: "  annotations: {a: yes}\n" },
  "bad-annotation-key": { metadata: "  annotations: {'a b/c': d}\n" },
  "upper-annotation": { metadata: "  annotations: {Helm.sh/Hook: x}\n" },
  "bad-waves": { metadata: '  annotations: {guardbee.io/rollout-waves: "100%,1"}\n' },
  "good-waves": { metadata: '  annotations: {guardbee.io/rollout-waves: "1,100%"}\n' },
  "cluster-with-namespace": { metadata: "  namespace: default\n" },
  "empty-namespace": { metadata: '  namespace: ""\n' },
  namespaced: { kind: "TracingPolicyNamespaced", metadata: "  namespace: default\n" },
  "namespaced-without": { kind: "TracingPolicyNamespaced" },
  "namespaced-host": {
    kind: "TracingPolicyNamespaced",
    metadata: "  namespace: default\n",
    spec: "  hostSelector: {}\n",
  },
  "namespaced-system": { kind: "TracingPolicyNamespaced", metadata: "  namespace: kube-system\n" },
  "wrong-version": { apiVersion: "cilium.io/v1" },
  "wrong-kind": { kind: "TracingPolici" },
  "own-group": { apiVersion: "guardbee.io/v1alpha1" },
  "relative-path": { hook: values("[srv/x]") },
  "glob-path": { hook: values("[/etc/*]") },
  "dots-path": { hook: values("[/etc/../shadow]", "Equal") },
  "slashes-path": { hook: values("[/etc//shadow]", "Equal") },
  "blank-path": { hook: values('["/etc/shadow "]', "Equal") },
  "home-path": { hook: values("[~/.ssh]") },
  "long-path": { hook: values(`[/${"x".repeat(252)}]`) },
  "empty-path": { hook: values('[""]') },
  "nul-path": { hook: values('["/a\\0b"]') },
  "no-values": { hook: values("[]") },
  "number-values": { hook: values("[1]") },
  "unicode-path": { hook: values('["/srv/ü\\u2028"]') },
  "unknown-operator": { hook: values("[/a]", "Matches") },
  "later-operator": { hook: values("[.key]", "Postfix") },
  "index-and-args": {
    hook: selector(
      "    - matchArgs: [{index: 1, args: [1], operator: Prefix, values: [/a]}]\n      matchActions: [{action: Sigkill}]\n",
    ),
  },
  "index-out-of-range": {
    hook: selector("    - matchArgs: [{index: 4, operator: Prefix, values: [/a]}]\n"),
  },
  "size-is-buffer": {
    hook: "  kprobes:\n  - call: sys_write\n    args: [{index: 1, type: char_buf, sizeArgIndex: 2}]\n",
  },
  "size-is-length": {
    hook: "  kprobes:\n  - call: sys_write\n    args: [{index: 1, type: char_buf, sizeArgIndex: 3}]\n",
  },
  "c-call": { hook: "  kprobes: [{call: SYS_write}]\n" },
  "no-call": { hook: "  kprobes: [{call: sys_nowhere}]\n" },
  "syscall-false": { hook: "  kprobes: [{call: sys_write, syscall: false}]\n" },
  "option-twice": {
    spec: "  options: [{name: policy-mode, value: monitor}, {name: policy-mode, value: enforce}]\n",
  },
  "option-unknown": { spec: "  options: [{name: policy-mod, value: monitor}]\n" },
  "option-monitor": { spec: "  options: [{name: policy-mode, value: monitor}]\n" },
  "override-here": { hook: action("{action: Override, argError: -1}") },
  "two-kills": { hook: action("{action: Sigkill}, {action: Signal, argSig: 9}") },
  "later-action": { hook: action("{action: Set, argIndex: 0, argValue: 1}") },
  "forks-in-namespace": {
    hook: selector(
      "    - matchPIDs: [{operator: NotIn, isNamespacePID: true, followForks: true, values: [1]}]\n      matchActions: [{action: Sigkill}]\n",
    ),
  },
  "merge-key": {
    spec: "  nodeSelector: {matchLabels: {<<: {zone: a, arch: b}, zone: c}}\n",
  },
  "merge-last": {
    spec: "  nodeSelector: {matchLabels: {zone: c, <<: {zone: a, arch: b}}}\n",
  },
  anchors: {
    whole: `spec:\n  podSelector: &s {matchLabels: {app: web}}\n  nodeSelector: *s\n${hooks.kill}`,
  },
  "unknown-anchor": { spec: "  nodeSelector: *s\n" },
  "duplicate-key": { spec: "  nodeSelector: {matchLabels: {zone: a, zone: b}}\n" },
  "duplicate-selector": { spec: "  podSelector: {matchLabels: {app: other}}\n" },
  "number-key": { spec: "  nodeSelector: {matchLabels: {1: a, 011: b}}\n" },
  "yes-key": { spec: "  nodeSelector: {matchLabels: {yes: a}}\n" },
  "null-key": { spec: "  nodeSelector: {matchLabels: {~: a}}\n" },
  "flow-question": { hook: values("[/srv/a?b]") },
  "flow-colon": { hook: values("[::1]") },
  "flow-key-without-blank": { spec: "  nodeSelector: {matchLabels:{zone: a}}\n" },
  "flow-comment": { spec: "  nodeSelector: {#a\n    matchLabels: {zone: a}}#b\n" },
  "surrogates-path": { hook: values('["/srv/\\ud83d\\ude00"]') },
  "mark-path": { hook: values("[/srv/\ufeffx]") },
  "tab-between": { spec: "  nodeSelector:\t{matchLabels: {zone: a}}\n" },
  "tab-indent": { spec: "\tnodeSelector: {matchLabels: {zone: a}}\n" },
  "expression-without-values": {
    spec: "  nodeSelector: {matchExpressions: [{key: zone, operator: In}]}\n",
  },
  "exists-with-values": {
    spec: "  nodeSelector: {matchExpressions: [{key: zone, operator: Exists, values: [a]}]}\n",
  },
  "constructor-label": {
    spec: "  nodeSelector: {matchExpressions: [{key: constructor, operator: DoesNotExist}]}\n",
  },
  "proto-label": { spec: "  nodeSelector: {matchLabels: {__proto__: a}}\n" },
  "repo-with-tag": {
    spec: "  containerSelector: {matchLabels: {repo: 'nginx_1'}}\n",
  },
  "container-key": { spec: "  containerSelector: {matchLabels: {image: nginx}}\n" },
  "host-labels": { spec: "  hostSelector: {matchLabels: {a: b}}\n" },
  everywhere: { whole: `spec:\n${selector("    - matchActions: [{action: Sigkill}]\n")}` },
  "host-only": { whole: `spec:\n  hostSelector: {}\n${hooks.kill}` },
  "system-pods": {
    whole: `spec:\n  podSelector: {matchLabels: {"k8s:io.kubernetes.pod.namespace": kube-system}}\n${hooks.kill}`,
  },
  "exec-host": exec(`    - matchBinarys: {values: [/bin/nc]}\n${kills}`, ""),
  "exec-pods": exec(`    - matchBinarys: {values: [/bin/nc]}\n${kills}`),
  "exec-pids": exec(
    `    - matchPIDs: [{operator: NotIn, isNamespacePID: true, values: [0]}]\n${kills}`,
    "",
  ),
  "exec-two-keys": exec("    - matchActions: [{action: Sigkill}]\n      values: ['*']\n"),
  "exec-capability": exec(
    `    - matchCapabilities: [{operator: In, values: [SYS_ADMIN]}]\n${kills}`,
  ),
  "exec-cap": exec(`    - matchCapabilities: [{operator: In, values: [cap_sys_admin]}]\n${kills}`),
  "exec-allow": { kind: "ExecPolicy", whole: "spec:\n  rules:\n    allow: [{paths: [/bin/x]}]\n" },
  "exec-no-rules": { kind: "ExecPolicy", whole: "spec: {}\n" },
};

const rego = (spec: string): Parts => ({
  apiVersion: "guardbee.io/v1alpha1",
  kind: "RegoPolicy",
  whole: `spec:\n${spec}`,
});
const module = (text: string) =>
  `  modules:\n  - name: a.rego\n    rego: |\n      package guardbee.generate\n      ${text}\n`;
const source = "  bundle:\n    http: {url: 'https://bundles.example/b.tar.gz'}\n";

const ofRego: Readonly<Record<string, Parts>> = {
  "rego-good": rego(`  role: Generate\n${module("policies := []")}`),
  "rego-tabs": rego(`  role: Generate\n${module("policies := [x |\n      \tsome x in []]")}`),
  "rego-broken": rego(`  role: Generate\n${module("policies := nowhere(1)")}`),
  "rego-no-role": rego(module("policies := []")),
  "rego-yes-role": rego(`  role: yes\n${module("policies := []")}`),
  "rego-two-sources": rego(`  role: Generate\n${module("policies := []")}${source}`),
  "rego-null-digest": rego(`  role: Generate\n${source}    digest:\n`),
  "rego-null-verification": rego(`  role: Generate\n${source}    verification:\n`),
  "rego-null-ca": rego(
    "  role: Generate\n  bundle:\n    http:\n      url: 'https://bundles.example/b.tar.gz'\n      ca:\n",
  ),
  "rego-deep-data": rego(
    `  role: Generate\n${module("policies := []")}  data: ${'{"a": '.repeat(300)}1${"}".repeat(300)}\n`,
  ),
  "rego-bad-waves": {
    ...rego(`  role: Generate\n${module("policies := []")}`),
    metadata: '  annotations: {guardbee.io/rollout-waves: "5"}\n',
  },
};

const oneOf = (name: string) => policy(name, {});
const utf16 = (text: string, bigEndian = false): Uint8Array => {
  const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
  return bigEndian ? bytes.swap16() : bytes;
};

const files: readonly OddFile[] = [
  { name: "bom", content: `\ufeff${oneOf("bom")}` },
  { name: "utf16le", content: utf16(oneOf("utf16le")) },
  { name: "utf16be", content: utf16(oneOf("utf16be"), true) },
  {
    name: "utf16-two",
    content: utf16(`${oneOf("utf16-first")}---\n${oneOf("utf16-second")}`),
  },
  { name: "utf16-unmarked", content: Buffer.from(oneOf("utf16-unmarked"), "utf16le") },
  { name: "latin1", content: Buffer.from(`# caf\u00e9\n${oneOf("latin1")}`, "latin1") },
  { name: "nul", content: `${oneOf("nul")}# \0\n` },
  { name: "crlf", content: oneOf("crlf").replaceAll("\n", "\r\n") },
  { name: "directive", content: `%YAML 1.1\n---\n${oneOf("directive")}` },
  { name: "directive2", content: `%YAML 1.2\n---\n${oneOf("directive2")}` },
  {
    name: "several",
    content: `---\n---\n# a\n---\n${oneOf("several-a")}--- # b\n${oneOf("several-b")}`,
  },
  { name: "separator-text", content: `${oneOf("separator-a")}--- x\n${oneOf("separator-b")}` },
  { name: "document-end", content: `${oneOf("document-end")}...\n` },
  { name: "after-end", content: `${oneOf("after-end-a")}...\n${oneOf("after-end-b")}` },
  {
    name: "json",
    content: JSON.stringify({
      apiVersion: "cilium.io/v1alpha1",
      kind: "TracingPolicy",
      metadata: { name: "json" },
      spec: { podSelector: {}, kprobes: [{ call: "sys_write" }] },
    }),
  },
  {
    name: "json-stream",
    content: ["json-a", "json-b"]
      .map((name) =>
        JSON.stringify({
          apiVersion: "cilium.io/v1alpha1",
          kind: "TracingPolicy",
          metadata: { name },
          spec: {
            podSelector: { matchLabels: { app: "a/b".replace("/", "-") } },
            kprobes: [{ call: "sys_write" }],
          },
        }),
      )
      .join("\n"),
  },
  {
    name: "list",
    content: `apiVersion: v1\nkind: List\nitems:\n${["list-a", "list-b"]
      .map((name) => `- ${oneOf(name).replaceAll("\n", "\n  ").trimEnd()}\n`)
      .join("")}`,
  },
  {
    name: "no-metadata",
    content: "apiVersion: cilium.io/v1alpha1\nkind: TracingPolicy\nspec: {}\n",
  },
  { name: "empty-list", content: "apiVersion: v1\nkind: List\nitems: []\n" },
  { name: "no-yaml", content: "kind: [\n" },
  { name: "text", content: "hello\n" },
  { name: "sequence", content: "- a\n- b\n" },
  { name: "upper-name", content: oneOf("Upper_Name") },
  { name: "yes-name", content: oneOf("yes") },
  { name: "number-name", content: oneOf("0111") },
  { name: "no-name", content: oneOf("''") },
];

/** Policies that people write by mistake or with a purpose, and files that editors and tools make of them. */
export const oddPolicies: readonly OddFile[] = [
  ...Object.entries({ ...ofPolicies, ...ofRego, ...ofScalars }).map(([name, parts]) => ({
    name,
    content: policy(name, parts),
  })),
  ...files,
];
