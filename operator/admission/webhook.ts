import type { Clock, KubeConnection, TrustedClients } from "@guardbee/kube";
import type { Logger } from "pino";
import { admit, type Judge } from "./admit.ts";
import { Certificates } from "./certificates.ts";
import type { RotationTimes } from "./issuances.ts";
import { webhookNames } from "./names.ts";
import { serveAdmission } from "./server.ts";

export type WebhookOptions = {
  /** 0 picks a free one. */
  readonly port: number;
  /** To listen on; default every address. */
  readonly host?: string;
  /** What the API server calls us by; default the Service of config/base. */
  readonly names?: readonly string[];
  readonly rotation?: RotationTimes;
  /** The API server, by its certificate; default whoever reaches the port. */
  readonly clients?: TrustedClients;
  /** Told the port once it is open. */
  readonly listening?: (port: number) => void;
};

/** Opens the port; what it serves comes with `run` of the certificates. Rejects when it is in use. */
export async function startWebhook(
  { port, host, clients, rotation, names, listening }: WebhookOptions,
  parts: {
    readonly connection: KubeConnection;
    /** Of the Secret and the Service. */
    readonly namespace: string;
    readonly clock: Clock;
    readonly log: Logger;
    readonly judge: Judge;
    /** False: not enough is known yet to judge. */
    readonly ready: () => boolean;
  },
  signal: AbortSignal,
): Promise<Certificates> {
  const { judge, ready, connection, namespace, clock, log } = parts;
  const server = await serveAdmission(
    {
      ...{ port, ready, clock, log },
      ...(host === undefined ? {} : { host }),
      ...(clients === undefined ? {} : { clients }),
      admit: (request, within) => admit(request, judge, within),
    },
    signal,
  );
  listening?.(server.port);
  const hosts = names ?? [`${webhookNames.service}.${namespace}.svc`];
  return new Certificates({
    ...{ connection, namespace, hosts, serve: server.serve, clock, log },
    ...(rotation === undefined ? {} : { rotation }),
  });
}
