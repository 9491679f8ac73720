import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type Clock, withDeadline } from "@guardbee/kube";
import type { Logger } from "pino";
import type { Issuance } from "./issuances.ts";
import { type AdmissionRequest, answerReview, parseReview, type Verdict } from "./review.ts";

export type AdmissionServerOptions = {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default: every address. */
  readonly host?: string;
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

/** Two objects of the size that etcd takes, and what JSON and the review add. */
const maxBodyBytes = 8 << 20;
/** Bodies are held in memory. */
const maxRequests = 8;
/** Below the 5 s of the webhook's timeoutSeconds, so that the answer says why there is none. */
const deadlineMs = 4_000;

/** Serves POST /validate until `signal` aborts. Rejects when the port is in use. */
export async function serveAdmission(
  options: AdmissionServerOptions,
  signal: AbortSignal,
): Promise<AdmissionServer> {
  const { log, port, host } = options;
  let requests = 0;
  const limits = {
    handshakeTimeout: 5_000,
    requestTimeout: 5_000,
    headersTimeout: 5_000,
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer({ ...limits, minVersion: "TLSv1.2" }, async (request, response) => {
    requests++;
    let answer: Answer;
    try {
      answer =
        requests > maxRequests ? refuse(503, "busy") : await answerTo(request, options, signal);
    } catch (err) {
      // A body that is cut off, or a bug; neither may end the process.
      log.warn({ err }, "admission request cannot be answered");
      answer = refuse(500, "cannot be answered");
    } finally {
      requests--;
    }
    const { status, body, type } = answer;
    response.writeHead(status, { "content-type": type, ...(request.complete ? {} : close) });
    response.end(body);
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  server.on("error", (err) => log.error({ err }, "admission server"));
  const end = () => {
    server.closeAllConnections();
    server.close();
  };
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  return {
    port: (server.address() as AddressInfo).port,
    serve: ({ certificate, key }) => server.setSecureContext({ cert: certificate, key }),
  };
}

type Answer = { readonly status: number; readonly type: string; readonly body: string };

/** A request whose body we did not read leaves nothing to go on with. */
const close = { connection: "close" };

async function answerTo(
  request: IncomingMessage,
  { admit, ready, clock, log }: AdmissionServerOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const path = (request.url ?? "").split("?", 1)[0];
  if (path !== "/validate") return refuse(404, "not found; POST /validate");
  if (request.method !== "POST") return refuse(405, "POST only");
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    return refuse(415, "application/json only");
  }
  if (!ready()) return refuse(503, "not ready");
  const body = await readBody(request);
  if (body === undefined) return refuse(413, `more than ${maxBodyBytes} bytes`);
  const review = parseReview(parseJson(body));
  if ("error" in review) return refuse(400, review.error);
  const verdict = await withDeadline(clock, { ms: deadlineMs, error: overrun }, signal, (limited) =>
    Promise.race([admit(review, limited), aborted(limited)]),
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

function refuse(status: number, why: string): Answer {
  return { status, type: "text/plain", body: `${why}\n` };
}

/** Undefined: it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left open when it is too long: the answer goes the same way.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Undefined: it is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Rejects when `signal` aborts: not all that judges listens to it. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
