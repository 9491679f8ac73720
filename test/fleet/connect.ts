import { connectWith, type KubeConnection } from "@guardbee/kube";
import type { Login } from "./messages.ts";
import { agentNamespace } from "./objects.ts";

/** A connection with a token, to a server that signs its own certificate. */
export function connectAs({ server, token }: Login, userAgent: string): KubeConnection {
  const access = {
    headers: { authorization: `Bearer ${token}` },
    tls: { rejectUnauthorized: false },
  };
  const credentials = {
    server: new URL(server),
    namespace: agentNamespace,
    current: async () => access,
  };
  return connectWith(credentials, { userAgent });
}
