import type { Abi, MemoryLimits } from "./instance.ts";

/** What the host hands to a new worker. */
export type WorkerStart = {
  /** The bytes of the compiled module. */
  readonly module: Uint8Array<ArrayBuffer>;
  /** Pages of 64 KiB to begin with, beside what `data` needs; growing in an evaluation is slow. */
  readonly initialPages: number;
  readonly maximumPages: number;
  readonly maximumResultBytes: number;
};

/** Sandbox to child process; one request is under way at a time. */
export type ChildRequest =
  | {
      readonly kind: "load";
      /** Under which it is evaluated from now on; what was loaded under it goes. */
      readonly unit: number;
      readonly module: Uint8Array<ArrayBuffer>;
      readonly data?: Uint8Array<ArrayBuffer>;
      readonly limits: MemoryLimits;
    }
  | {
      readonly kind: "evaluate";
      readonly unit: number;
      readonly entryPoint: string;
      readonly json: Uint8Array<ArrayBuffer>;
    };

/** Child process to sandbox: `started` once, then one answer a request. */
export type ChildAnswer =
  | { readonly kind: "started" }
  | { readonly kind: "loaded"; readonly facts: ModuleFacts }
  | {
      readonly kind: "result";
      /** JSON of `[{"result": VALUE}]` or `[]`. */
      readonly json: Uint8Array<ArrayBuffer>;
      readonly memoryBytes: number;
    }
  /** Never loaded, or dropped to make room. */
  | { readonly kind: "lacks" }
  | { readonly kind: "error"; readonly message: string };

/** Host to worker; one request is under way at a time. */
export type WorkerRequest =
  | { readonly kind: "data"; readonly id: number; readonly json: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: "evaluate";
      readonly id: number;
      readonly entryPoint: string;
      readonly json: Uint8Array<ArrayBuffer>;
    };

/** What a module says of itself. */
export type ModuleFacts = {
  readonly abi: Abi;
  readonly entryPoints: readonly string[];
  /** Builtins that it calls in the host, whether or not the host has them. */
  readonly builtins: readonly string[];
};

/** Worker to host. `ready` or `unusable` comes once, before anything else. */
export type WorkerMessage = WorkerAnswer & {
  /** Milliseconds of processor time that the thread has used so far. */
  readonly cpuMs: number;
};

export type WorkerAnswer =
  | { readonly kind: "ready"; readonly facts: ModuleFacts }
  | { readonly kind: "unusable"; readonly message: string }
  | { readonly kind: "done"; readonly id: number; readonly memoryBytes: number }
  | {
      readonly kind: "result";
      readonly id: number;
      /** JSON of `[{"result": VALUE}]` or `[]`. */
      readonly json: Uint8Array<ArrayBuffer>;
      readonly memoryBytes: number;
    }
  | { readonly kind: "error"; readonly id: number; readonly message: string };
