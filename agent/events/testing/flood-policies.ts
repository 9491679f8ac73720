/** Kills each mkfifo(1): a policy `kill`, as a document of YAML. */
export const killsMkfifo = `---
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: kill}
spec:
  kprobes:
  - call: sys_mknodat
    syscall: true
    args: [{index: 2, type: int}]
    selectors:
    - matchBinaries: [{operator: In, values: [/usr/bin/mkfifo]}]
      matchActions: [{action: Sigkill}]
`;
