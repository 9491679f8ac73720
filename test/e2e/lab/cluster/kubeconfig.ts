import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A kubeconfig that holds the certificate `cert` of `dir`, for the API server at `server`. */
export function encodeKubeconfig(dir: string, cert: string, server: string): string {
  const data = (file: string): string => readFileSync(join(dir, file)).toString("base64");
  return `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: "lab", cluster: { server, "certificate-authority-data": data("ca.crt") } },
      ],
      users: [
        {
          name: cert,
          user: {
            "client-certificate-data": data(`${cert}.crt`),
            "client-key-data": data(`${cert}.key`),
          },
        },
      ],
      contexts: [{ name: "lab", context: { cluster: "lab", user: cert } }],
      "current-context": "lab",
    },
    null,
    2,
  )}\n`;
}
