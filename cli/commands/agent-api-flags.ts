/** The flags of the gRPC API; names and meanings are upstream's. */
export const apiFlags = {
  "server-address": {
    type: "string",
    default: "unix:///var/run/tetragon/tetragon.sock",
    describe:
      "Where the gRPC API is served: a Unix socket, or HOST:PORT, which opens that socket, too; empty: nowhere",
  },
  "server-tls-cert-file": {
    type: "string",
    default: "",
    describe:
      "Certificate of the gRPC API on HOST:PORT (PEM, read again when it changes); empty: no TLS",
  },
  "server-tls-key-file": { type: "string", default: "", describe: "Its key" },
  "server-tls-client-ca-files": {
    type: "string",
    array: true,
    nargs: 1,
    default: [] as string[],
    describe: "Who issues clients' certificates; may be repeated",
  },
  "server-tls-require-client-cert": {
    type: "boolean",
    default: false,
    describe: "Clients of the gRPC API show a certificate",
  },
  "health-server-address": {
    type: "string",
    default: "",
    describe: "Serves only the gRPC health service here, for probes, such as :6789; empty: nowhere",
  },
  "persist-grpc-policies": {
    type: "boolean",
    default: false,
    describe: "Policies that are added over gRPC outlive the agent",
  },
  "persist-grpc-policies-dir": {
    type: "string",
    default: "/var/run/tetragon/grpc-policies",
    describe: "Where they are kept; a folder on a disk also outlives a boot",
  },
} as const;
