import { type Clock, systemClock } from "./clock.ts";
import type { KubeConnection, KubeRequest } from "./connection.ts";
import { KubeError } from "./kube-error.ts";

/** Told of each request that was answered, or was not; streams are not among them. */
export type RequestObserver = (
  request: KubeRequest,
  /** `ok`, the HTTP status of a refusal, or `failed`: no answer. */
  answer: { readonly code: "ok" | "failed" | number; readonly seconds: number },
) => void;

/** The same connection, whose requests are told to `observer`. Aborted ones are not. */
export function observeRequests(
  connection: KubeConnection,
  observer: RequestObserver,
  clock: Clock = systemClock,
): KubeConnection {
  return {
    ...connection,
    async request<T>(request: KubeRequest, signal: AbortSignal): Promise<T> {
      const startedMs = clock.monotonic();
      const tell = (code: "ok" | "failed" | number) =>
        observer(request, { code, seconds: (clock.monotonic() - startedMs) / 1000 });
      try {
        const answer = await connection.request<T>(request, signal);
        tell("ok");
        return answer;
      } catch (error) {
        if (!signal.aborted) tell(error instanceof KubeError ? error.status : "failed");
        throw error;
      }
    },
  };
}
