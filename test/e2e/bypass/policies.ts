/**
 * Test support: the policies that attempts are made against. All are in force at once, each in a
 * cgroup of its own.
 */
import type { NamedSet } from "../../../agent/engine.ts";
import { denyWrites, example, policyIn } from "../../../agent/kernel/testing/policies.ts";

/** The helper, and what it works on. Paths in the root file system, as most of a container's files have. */
export const place = {
  attempt: "/tmp/bypass/attempt",
  /** A copy of the helper that no policy lists. */
  other: "/tmp/bypass/other",
  /** A path that policies list and where no file is. */
  listed: "/tmp/bypass/listed",
  /** A copy of the helper, and of a program with a loader, that a policy forbids. */
  tool: "/tmp/bypass/tool",
  dynamicTool: "/tmp/bypass/dynamic-tool",
  /** A library that ends the program that loads it. */
  preloaded: "/tmp/bypass/preloaded.so",
  folder: "/opt/forbidden",
  /** A folder with the helper at the path of a node's service. */
  image: "/opt/image",
} as const;

/** What a policy is, in the words of the page that shows what was tried against it. */
export type Policy = {
  readonly about: string;
  readonly sets: readonly NamedSet[];
  /** Of the kernel's features: without one of them the policy is refused. */
  readonly needs?: readonly string[];
};

const inFolder = (text: string) => text.replaceAll("/tmp/forbidden/", `${place.folder}/`);

const overridesCalls = ["fmod_ret_syscalls", "fmod_ret_ia32"] as const;

/** What may run where there is an allow-list. */
const listed = [place.attempt, place.listed, "/bin/sh", "/usr/bin/dash"];

export const policies = {
  allow: {
    about: "`ExecPolicy`: `matchBinarys` `NotIn` a list, `Sigkill`",
    sets: [execPolicy("allow", "NotIn", listed)],
  },
  list: {
    about: "`ExecPolicy`: `allow` with the `paths` of the same list; `Deny`",
    sets: [listPolicy("list", listed)],
  },
  deny: {
    about: "`ExecPolicy`: `matchBinarys` `In` a list, `Sigkill`",
    sets: [execPolicy("deny", "In", [place.tool, place.dynamicTool])],
  },
  write: {
    about:
      "[deny-tmp-forbidden-write](../../config/examples/deny-tmp-forbidden-write.yaml): `fd_install` with `FollowFD`, `sys_write` with `Sigkill`",
    sets: [denyWrites({ prefix: `${place.folder}/`, name: "write" })],
  },
  writeOverride: {
    about:
      "[deny-tmp-forbidden-write-override](../../config/examples/deny-tmp-forbidden-write-override.yaml): the same with `Override`",
    sets: [
      denyWrites({ prefix: `${place.folder}/`, name: "write-override", variant: "-override" }),
    ],
    needs: overridesCalls,
  },
  protect: {
    about:
      "[protect-files](../../config/examples/protect-files.yaml) and [protect-files-calls](../../config/examples/protect-files-calls.yaml) together",
    sets: [example("protect-files", inFolder), example("protect-files-calls", inFolder)],
  },
  connectCall: {
    about: "kprobe `sys_connect` with `Sigkill`",
    sets: [hook("connect-call", "kprobes", "call: sys_connect, syscall: true", "Sigkill")],
  },
  connectOverride: {
    about: "kprobe `sys_connect` with `Override`",
    sets: [hook("connect-override", "kprobes", "call: sys_connect, syscall: true", "Override")],
    needs: overridesCalls,
  },
  connectHook: {
    about: "LSM hook `socket_connect` with `Override`",
    sets: [hook("connect-hook", "lsmhooks", "hook: socket_connect", "Override")],
  },
  tcpConnect: {
    about: "kprobe `tcp_connect` with `Sigkill`",
    sets: [hook("tcp-connect", "kprobes", "call: tcp_connect, syscall: false", "Sigkill")],
  },
  send: {
    about: "LSM hook `socket_sendmsg` with `Override`",
    sets: [hook("send", "lsmhooks", "hook: socket_sendmsg", "Override")],
  },
} as const satisfies Readonly<Record<string, Policy>>;

export type PolicyName = keyof typeof policies;

function execPolicy(name: string, operator: string, values: readonly string[]): NamedSet {
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: ${name} }
spec:
  rules:
    selectors:
    - matchBinarys: { operator: ${operator}, values: [${values}] }
    - matchActions: [{ action: Sigkill }]
`);
}

function listPolicy(name: string, paths: readonly string[]): NamedSet {
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: ${name} }
spec:
  podSelector: {}
  mode: enforce
  rules:
    allow: [{ paths: [${paths}] }]
`);
}

/** One hook that means each call. */
function hook(name: string, section: string, on: string, action: string): NamedSet {
  const error = action === "Override" ? ", argError: -1" : "";
  return policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  ${section}:
  - { ${on}, selectors: [{ matchActions: [{ action: ${action}${error} }] }] }
`);
}
