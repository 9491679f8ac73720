import type { Resource } from "@guardbee/kube";
import { resourceOf } from "@guardbee/policy";

type Policy = {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: object;
};

/** One policy of a kind: one that is accepted, and one of the same name that is not. */
export type Subject = {
  readonly resource: Resource;
  readonly good: Policy;
  readonly bad: Policy;
};

export const subjects: readonly Subject[] = [
  aSubject(resourceOf("TracingPolicy"), tracing("Prefix"), tracing("Mask")),
  aSubject(resourceOf("TracingPolicyNamespaced"), ofSystemCall("Prefix"), ofSystemCall("Mask")),
  aSubject(resourceOf("ExecPolicy"), exec("CAP_SYS_ADMIN"), exec("CAP_SYS_ADMN")),
  aSubject(resourceOf("ExecPolicyNamespaced"), exec("CAP_SYS_ADMIN"), exec("CAP_SYS_ADMN")),
  aSubject(resourceOf("RegoPolicy"), rego("contains"), rego("contain")),
  aSubject(resourceOf("RegoPolicyNamespaced"), rego("contains"), rego("contain")),
];

function aSubject(resource: Resource, good: object, bad: object): Subject {
  const metadata = { name: "web", ...(resource.namespaced ? { namespace: "default" } : {}) };
  return { resource, good: { metadata, spec: good }, bad: { metadata, spec: bad } };
}

function tracing(operator: string): object {
  const matchArgs = [{ index: 1, operator, values: ["/srv/cards/"] }];
  return {
    kprobes: [
      {
        call: "fd_install",
        syscall: false,
        args: [
          { index: 0, type: "int" },
          { index: 1, type: "file" },
        ],
        selectors: [{ matchArgs, matchActions: [{ action: "Sigkill" }] }],
      },
    ],
  };
}

/** Its status also says what the hook does not see. */
function ofSystemCall(operator: string): object {
  const matchArgs = [{ index: 1, operator, values: ["card="] }];
  const args = [
    { index: 0, type: "int" },
    { index: 1, type: "char_buf", sizeArgIndex: 3 },
  ];
  const selectors = [{ matchArgs, matchActions: [{ action: "Sigkill" }] }];
  return { kprobes: [{ call: "sys_connect", syscall: true, args, selectors }] };
}

function exec(capability: string): object {
  return {
    rules: {
      selectors: [
        // In pods alone: the host's processes are protected.
        { matchPIDs: [{ operator: "NotIn", isNamespacePID: true, values: [0] }] },
        { matchBinarys: { values: ["/usr/bin/curl"] } },
        { matchCapabilities: [{ operator: "In", values: [capability] }] },
        { matchActions: [{ action: "Sigkill" }] },
      ],
    },
  };
}

/** Generates one policy, with a word between `policies` and it. */
function rego(word: string): object {
  const policy = { kind: "TracingPolicy", metadata: { name: "web" }, spec: tracing("Prefix") };
  const text = `package guardbee.generate\n\npolicies ${word} ${JSON.stringify(policy)}\n`;
  return { role: "Generate", modules: [{ name: "web.rego", rego: text }] };
}
