import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parsePolicies } from "../parse.ts";
import { lower } from "./index.ts";
import { namespacedFunctions } from "./namespaced-functions.ts";

type Given = { readonly call: string; readonly args?: string; readonly syscall?: boolean };

/** What is said of a hook in a policy of that kind; "" when it is taken. */
function verdict(kind: string, { call, args = "[]", syscall = false }: Given): string {
  const text = `apiVersion: cilium.io/v1alpha1
kind: ${kind}
metadata: { name: p, namespace: shop }
spec:
  kprobes:
    - { call: ${call}, syscall: ${syscall}, args: ${args} }
`.replace(kind === "TracingPolicy" ? ", namespace: shop" : "", "");
  const { result } = parsePolicies(text, "p.yaml").policies[0]!;
  const lowered = result.ok ? lower(result.value) : result;
  return (lowered.ok ? [] : lowered.problems)
    .map(({ field, what, fix }) => `${field}: ${what}; ${fix}`)
    .join("\n");
}

const unsafe = [
  ["bpf_ringbuf_output", "is part of what runs BPF programs"],
  ["__htab_map_lookup_elem", "is part of what runs BPF programs"],
  ["bpf_task_storage_get", "is part of what runs BPF programs"],
  ["__bpf_prog_enter_recur", "is part of what runs BPF programs"],
  ["copy_from_kernel_nofault", "is part of what runs BPF programs"],
  ["__schedule", "is part of the scheduler"],
  ["try_to_wake_up", "is part of the scheduler"],
  ["finish_task_switch.isra.0", "is part of the scheduler"],
  ["rcu_read_unlock_strict", "is part of RCU"],
  ["__rcu_read_lock", "is part of RCU"],
  ["_raw_spin_lock_irqsave", "is part of the kernel's locks"],
  ["native_queued_spin_lock_slowpath", "is part of the kernel's locks"],
  ["mutex_lock", "is part of the kernel's locks"],
  ["__kmalloc", "is part of memory management"],
  ["kfree", "is part of memory management"],
  ["kmem_cache_alloc", "is part of memory management"],
  ["handle_mm_fault", "is part of memory management"],
  ["do_syscall_64", "runs in every interrupt or timer"],
  ["hrtimer_interrupt", "runs in every interrupt or timer"],
] as const;
for (const [call, why] of unsafe) {
  test(`nobody hooks ${call}: it ${why}`, () => {
    const want = `spec.kprobes[0].call: ${call} ${why}; hook what leads there, such as a system call or a security_ function`;
    for (const kind of ["TracingPolicy", "TracingPolicyNamespaced"]) {
      assert.equal(verdict(kind, { call }), want);
    }
  });
}

test("functions that policies of the field hook are no unsafe ones", () => {
  const hooked = [
    ...["fd_install", "tcp_connect", "tcp_close", "tcp_sendmsg", "create_user_ns", "tty_write"],
    ...["kfree_skb_reason", "free_module", "do_init_module", "dev_queue_xmit", "commit_creds"],
    ...["__sys_setuid", "__cgroup_bpf_run_filter_skb", "wake_up_new_task", "bpf_check"],
    ...["security_bpf_map_alloc", "security_perf_event_alloc", "filp_close", "vfs_write"],
    ...["__switch_task_namespaces", "cap_capable", "do_task_dead", "acct_process"],
  ];
  const refused = hooked.filter((call) => verdict("TracingPolicy", { call }) !== "");
  assert.deepEqual(refused, []);
});

test("a policy of one namespace hooks system calls and the functions that are listed", () => {
  const kind = "TracingPolicyNamespaced";
  for (const call of namespacedFunctions) assert.equal(verdict(kind, { call }), "", call);
  assert.equal(verdict(kind, { call: "sys_write", syscall: true }), "");
  const fix =
    "hook a system call or a function of docs/reference/limits.md, or use the kind without Namespaced";
  for (const call of ["commit_creds", "security_capable", "constructor", "vfs_write"]) {
    const want = `spec.kprobes[0].call: ${call} is not for policies of one namespace; `;
    const said = verdict(kind, { call });
    assert.ok(said.startsWith(want) && said.endsWith(fix), said);
    assert.equal(verdict("TracingPolicy", { call }), "");
  }
});

const taken: readonly Given[] = [
  { call: "fd_install", args: "[{ index: 0, type: int }, { index: 1, type: file }]" },
  { call: "security_file_fcntl", args: "[{ index: 1, type: uint32 }, { index: 2, type: uint64 }]" },
  { call: "sys_write", args: "[{ index: 1, type: char_buf, sizeArgIndex: 3 }]", syscall: true },
  { call: "sys_write", args: "[{ index: 3, type: uint64 }]", syscall: true },
];
for (const given of taken) {
  test(`a policy of one namespace reads ${given.args} of ${given.call}`, () => {
    assert.equal(verdict("TracingPolicyNamespaced", given), "");
  });
}

const kernelMemory: readonly (Given & { readonly says: string })[] = [
  {
    ...{ call: "security_task_kill", args: "[{ index: 0, type: uint64 }]" },
    says: "uint64 does not read parameter 0 in a policy of one namespace; remove it, or use the kind without Namespaced",
  },
  {
    ...{ call: "security_task_kill", args: "[{ index: 2, type: uint64 }]" },
    says: "uint64 does not read parameter 2 in a policy of one namespace; write one of int, uint32, int8, uint8, int16, uint16, fd",
  },
  {
    ...{ call: "security_file_open", args: "[{ index: 0, type: char_buf, sizeArgIndex: 2 }]" },
    says: "char_buf does not read parameter 0 in a policy of one namespace; write one of file",
  },
  {
    ...{ call: "security_bprm_check", args: "[{ index: 0, type: file }]" },
    says: "file does not read parameter 0 in a policy of one namespace; write one of linux_binprm",
  },
  {
    ...{ call: "security_file_open", args: "[{ index: 4, type: int }]" },
    says: "int does not read parameter 4 in a policy of one namespace; remove it, or use the kind without Namespaced",
  },
];
for (const { says, ...given } of kernelMemory) {
  test(`a policy of one namespace cannot read ${given.args} of ${given.call}`, () => {
    const want = `spec.kprobes[0].args[0].type: ${says}`;
    assert.equal(verdict("TracingPolicyNamespaced", given), want);
    assert.equal(verdict("TracingPolicy", given), "");
  });
}

test("the page on limits has every function that namespaced policies may hook", () => {
  const page = readFileSync(new URL("../../docs/reference/limits.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("\n## What a policy of one namespace may hook\n");
  const listed = section.split("\n## ")[0]!.match(/(?<=`)(fd_install|security_\w+)(?=`)/g) ?? [];
  assert.deepEqual([...listed].sort(), namespacedFunctions);
});
