import {
  type Clock,
  type HttpAnswer,
  type HttpRequest,
  type HttpRoute,
  orAborted,
  serve,
  type TrustedClients,
  withDeadline,
} from "@guardbee/kube";
import type { Logger } from "pino";
import { HalfTime } from "./half-time.ts";
import type { Issuance } from "./issuances.ts";
import { type AdmissionRequest, answerReview, parseReview, type Verdict } from "./review.ts";

export type AdmissionServerOptions = {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default: every address. */
  readonly host?: string;
  /** Default: whoever reaches the port. */
  readonly clients?: TrustedClients;
  readonly admit: (request: AdmissionRequest, signal: AbortSignal) => Promise<Verdict>;
  /** False: 503, which the API server takes as no answer. */
  readonly ready: () => boolean;
  readonly clock: Clock;
  readonly log: Logger;
};

export type AdmissionServer = {
  readonly port: number;
  /** From the next connection on. Before the first one, no connection succeeds. */
  readonly serve: (issuance: Issuance) => void;
};

/** Two objects of what etcd takes, and what the review adds: who asks, and the two objects' kind. */
const maxBodyBytes = 2 * 1536 * 1024 + 256 * 1024;
/** Bodies are held in memory. An API server that asks more at once is told so. */
const requests = { inAll: 16, perPeer: 8 };
/** Below the 5 s of the webhook's timeoutSeconds, so that the answer says why there is none. */
const deadlineMs = 4_000;
/** Longer than the 90 s for which an API server keeps one: it never writes to a closed one. */
const keepAliveMs = 100_000;

/** Serves POST /validate until `signal` aborts. Rejects when the port is in use. */
export async function serveAdmission(
  options: AdmissionServerOptions,
  signal: AbortSignal,
): Promise<AdmissionServer> {
  const { port, host, clients, log, ready } = options;
  const halfTime = new HalfTime(options.clock);
  const validate: HttpRoute = {
    method: "POST",
    maxBodyBytes,
    refuse({ headers }) {
      if (!/^application\/json\b/.test(headers["content-type"] ?? "")) {
        return refuse(415, "application/json only");
      }
      return ready() ? undefined : refuse(503, "not ready");
    },
    answer: (request, within) => answerTo(request, { ...options, halfTime }, within),
  };
  const listen = { port, ...(host === undefined ? {} : { host }), requests, keepAliveMs, log };
  const routes = new Map([["/validate", validate]]);
  const server = await serve(
    routes,
    { ...listen, tls: clients === undefined ? {} : { clients } },
    signal,
  );
  return { port: server.port, serve: server.setCertificate };
}

async function answerTo(
  { peer, body }: HttpRequest,
  options: AdmissionServerOptions & { readonly halfTime: HalfTime },
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { admit, clock, log, halfTime } = options;
  const parse = () => parseReview(parseJson(body.toString("utf8")));
  const review = await halfTime.run(peer, parse, signal);
  if ("error" in review) return refuse(400, review.error);
  const verdict = await withDeadline(
    clock,
    { ms: deadlineMs, error: overrun },
    signal,
    async (limited) => {
      // It parses and lowers in one go, then waits for Rego.
      const admitting = halfTime.run(peer, () => ({ verdict: admit(review, limited) }), limited);
      const answered = admitting.then(({ verdict }) => verdict);
      return orAborted(answered, limited); // not all that judges listens to the signal
    },
  ).catch((error: Error): Verdict => {
    signal.throwIfAborted();
    return { allowed: true, warnings: [`not checked yet, see its status: ${error.message}`] };
  });
  if (!verdict.allowed) {
    const { namespace, name } = review.object?.metadata ?? {};
    const ref = { kind: review.kind.kind, namespace, name };
    log.info({ ref, operation: review.operation, reason: verdict.reason }, "policy denied");
  }
  const answer = JSON.stringify(answerReview(review.uid, verdict));
  return { status: 200, type: "application/json", body: answer };
}

const overrun = () => new Error(`took over ${deadlineMs} ms`);

function refuse(status: number, why: string): HttpAnswer {
  return { status, body: `${why}\n` };
}

/** Undefined: it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
