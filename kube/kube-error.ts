/**
 * The API server's refusal of one request (a Status object), with the request it answers.
 * Callers branch on `status` and `reason`; `retryAfterMs` is set when the server named a delay.
 */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly code = "kube";
  /** HTTP status: 404, 409, 410, 422, 429, ... */
  readonly status: number;
  /** Machine-readable reason of the Status: NotFound, Conflict, Expired, Invalid, ... */
  readonly reason: string;
  /** From Retry-After, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(request: string, answer: KubeAnswer) {
    super(`${request}: ${answer.message}`);
    this.status = answer.status;
    this.reason = answer.reason;
    if (answer.retryAfterMs !== undefined) this.retryAfterMs = answer.retryAfterMs;
  }
}

/** What a refusal says. */
export type KubeAnswer = {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number;
};

/** Whether `error` is a refusal with this HTTP status. */
export function isKubeError(error: unknown, status: number): error is KubeError {
  return error instanceof KubeError && error.status === status;
}

/** How long the server asks to wait, in milliseconds; 0 where `error` says nothing of it. */
export function askedDelayMs(error: unknown): number {
  return error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
}

/** The refusal in a response body, which is a Status object or, from a proxy, anything at all. */
export function parseRefusal(status: number, body: string, retryAfter?: string): KubeAnswer {
  const parsed = parseStatus(body);
  const retryAfterMs = parseRetryAfter(retryAfter);
  return {
    status,
    reason: parsed.reason ?? "Unknown",
    message: `${status} ${parsed.message ?? (body.slice(0, 200).trim() || "with no body")}`,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function parseStatus(body: string): { reason?: string; message?: string } {
  try {
    const raw: unknown = JSON.parse(body);
    if (typeof raw !== "object" || raw === null) return {};
    const { reason, message } = raw as { reason?: unknown; message?: unknown };
    return {
      ...(typeof reason === "string" && reason !== "" ? { reason } : {}),
      ...(typeof message === "string" && message !== "" ? { message } : {}),
    };
  } catch {
    return {}; // not JSON: the caller shows the text itself
  }
}

/** Seconds only: the API server never sends the date form. */
function parseRetryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0
    ? Math.min(seconds, 600) * 1000
    : undefined;
}
