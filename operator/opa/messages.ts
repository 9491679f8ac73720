/** What the host hands to a new worker. */
export type WorkerStart = {
  /** The bytes of the compiled module. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly data: unknown;
  /** Pages of 64 KiB that memory starts with; growing it during an evaluation is what is slow. */
  readonly initialPages: number;
  readonly maximumPages: number;
};

/** Host to worker: evaluate once. One request is under way at a time. */
export type EvaluateRequest = {
  readonly id: number;
  readonly entryPoint: string;
  readonly input: unknown;
};

/** Worker to host. `ready` comes once, before anything else. */
export type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly message: string };
