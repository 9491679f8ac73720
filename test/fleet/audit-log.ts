import { createReadStream, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { splitLines } from "@guardbee/kube/lines";

/** One write that the API server answered, whatever the answer. */
export type Write = {
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  readonly resource: string;
  /** `status`, or empty. */
  readonly subresource: string;
  readonly name: string;
  readonly code: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
};

/** Writes only, and who made them; without bodies, or the log outgrows what it is about. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "Metadata", verbs: ["create", "update", "patch", "delete", "deletecollection"] },
    { level: "None" },
  ],
};

/** The API server's audit log of writes. It writes an event before it answers, so none is late. */
export class AuditLog {
  readonly #file: string;
  readonly #policyFile: string;

  constructor(folder: string) {
    this.#file = join(folder, "audit.log");
    this.#policyFile = join(folder, "audit-policy.json");
    writeFileSync(this.#policyFile, JSON.stringify(auditPolicy)); // JSON is YAML
    writeFileSync(this.#file, "");
  }

  /** What kube-apiserver is to be started with. */
  flags(): readonly string[] {
    return [`--audit-log-path=${this.#file}`, `--audit-policy-file=${this.#policyFile}`];
  }

  /** Where the log ends now, for `since`. */
  mark(): number {
    return statSync(this.#file).size;
  }

  /** Writes logged after `mark` by accounts of ours; leases and their tokens are left out. */
  async since(mark: number): Promise<readonly Write[]> {
    const writes: Write[] = [];
    const stream = createReadStream(this.#file, { start: mark });
    for await (const line of splitLines(stream, { unfinished: "kept" })) {
      const write = parseEvent(line);
      if (write?.user.startsWith(ours) === true && write.resource !== "leases") writes.push(write);
    }
    return writes;
  }
}

const ours = "system:serviceaccount:guardbee-system:";

/** undefined: a line still being written. */
function parseEvent(line: string): Write | undefined {
  try {
    const event = JSON.parse(line) as AuditEvent;
    const { resource = "", subresource = "", name = "" } = event.objectRef ?? {};
    return {
      user: event.user.username,
      userAgent: event.userAgent ?? "",
      verb: event.verb,
      ...{ resource, subresource, name },
      code: event.responseStatus?.code ?? 0,
      atMs: Date.parse(event.stageTimestamp),
    };
  } catch {
    return undefined;
  }
}

type AuditEvent = {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly subresource?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly stageTimestamp: string;
};

/** How many writes there are of each kind: `selectorsets`, `tracingpolicies/status`. */
export function countByKind(writes: readonly Write[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { resource, subresource } of writes) {
    const kind = subresource === "" ? resource : `${resource}/${subresource}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

export function byOperator({ user }: Write): boolean {
  return user === `${ours}guardbee-operator`;
}

export function byAgents({ user }: Write): boolean {
  return user === `${ours}guardbee-agent`;
}
