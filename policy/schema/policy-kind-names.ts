/** The kinds a person writes. */
export const policyKindNames = [
  "TracingPolicy",
  "TracingPolicyNamespaced",
  "ExecPolicy",
  "ExecPolicyNamespaced",
] as const;
