/** How the processes of the bench reach the API server; its certificate is its own. */
export type Login = { readonly server: string; readonly token: string };

/** What `agents.ts` is told, once. */
export type AgentsOrder = {
  readonly server: string;
  readonly startsPerSecond: number;
  readonly agents: readonly {
    readonly node: string;
    readonly kernel: string;
    readonly token: string;
  }[];
};

/** What `operator.ts` is told, once. */
export type OperatorOrder = Login & {
  /** In the lease, and in the audit log as user agent. */
  readonly identity: string;
  readonly opa: string;
};
