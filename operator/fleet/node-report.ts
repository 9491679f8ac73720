/** A feature by which agents report that their kernel takes 32-bit system calls (int 0x80) of any process. */
export const int80Feature = "ia32_emulation";

/** What is known of a node when its state is judged. */
export type NodeFacts = {
  readonly node: string;
  readonly kernel: string;
  readonly arch: string;
  /** The Node's condition Ready. */
  readonly ready: boolean;
  readonly report: NodeReport | undefined;
  /** Name → hash of all that its digest stands for; undefined: a digest nobody knows. */
  readonly holds: ReadonlyMap<string, string> | undefined;
  /** When the node last reported, or was last told something (monotonic). */
  readonly heardMs: number;
};

/** NodePolicySet.status, as far as it is used. */
export type NodeReport = {
  readonly digest?: string;
  readonly exceptions: readonly NodeException[];
  /** Sets that it does not hold, for which there was no room in `exceptions`. */
  readonly exceptionsOmitted?: number;
  readonly stops?: readonly NodeStops[];
  /** Sets with stops for which there was no room in `stops`. */
  readonly stopsOmitted?: number;
  readonly late?: readonly NodeLate[];
  /** Its kernel takes 32-bit system calls of any process; absent where it does not. */
  readonly takesInt80?: true;
  /** Something of Guardbee's in its kernel was changed or removed since its agent runs. */
  readonly tampered?: true;
};

/** Pods of this node in which a set holds, and that came while no agent ran: so many. */
export type NodeLate = { readonly set: string; readonly pods: number };

/** At least so many calls that a content of a set stopped on this node, or would have. */
export type NodeStops = { readonly set: string; readonly hash: string; readonly count: number };

export type NodeException = {
  readonly set: string;
  readonly hash: string;
  readonly state: "failed" | "pending";
  readonly reason: string;
  readonly message: string;
  /** The content in force instead. */
  readonly holds?: string;
};
