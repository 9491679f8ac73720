import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect, type PeerCertificate } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { ManualClock, systemClock } from "@guardbee/kube";
import { pino } from "pino";
import { selfSigned } from "../../kube/testing/certificate.ts";
import { healthMethods } from "./health-service.ts";
import { parseApiFlags } from "./open-api.ts";
import { GrpcServer } from "./server.ts";
import { aFolder } from "./testing/a-node.ts";
import { ForeignClient } from "./testing/foreign-client.ts";
import { CertificateReload } from "./tls.ts";

const log = pino({ level: "silent" });
const serving = { status: "SERVING" };

/** A server whose certificates are in `folder`, and a clock that has it read them again. */
async function aServer(t: TestContext, clients: "any" | "certified", cas: readonly string[] = []) {
  const folder = aFolder(t);
  const files = { certificate: join(folder, "cert"), key: join(folder, "key"), clientCas: cas };
  const server = new GrpcServer({
    ...{ loadMethods: async () => healthMethods(), tls: { clients }, clock: systemClock, log },
  });
  await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  const clock = new ManualClock();
  let uses = 0;
  const reload = new CertificateReload({
    files,
    use: (context) => {
      server.setSecureContext(context);
      uses++;
    },
    ...{ clock, log },
  });
  const stop = new AbortController();
  const run = reload.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await run;
    await server.close();
  });
  const write = ({ cert, key }: { readonly cert: string; readonly key: string }) => {
    writeFileSync(files.certificate, cert);
    writeFileSync(files.key, key);
  };
  const used = async (count: number) => {
    while (uses < count) {
      clock.advance(10_000);
      await new Promise(setImmediate);
    }
  };
  const { port } = server.address() as AddressInfo;
  return { port, write, used, files };
}

function check(port: number, ca: string, own?: { readonly key: string; readonly cert: string }) {
  const credentials = grpc.credentials.createSsl(
    Buffer.from(ca),
    own === undefined ? null : Buffer.from(own.key),
    own === undefined ? null : Buffer.from(own.cert),
  );
  const client = new ForeignClient(`127.0.0.1:${port}`, "grpc.health.v1.Health", credentials);
  return client.call("Check").finally(() => client.close());
}

/** The certificate that a server shows, and the version of TLS; undefined: there is no handshake. */
function shown(port: number, maxVersion: "TLSv1.2" | "TLSv1.3" = "TLSv1.3") {
  return new Promise<PeerCertificate | undefined>((resolve) => {
    const options = { host: "127.0.0.1", port, rejectUnauthorized: false, maxVersion };
    const socket = connect({ ...options, ALPNProtocols: ["h2"] }, () => {
      resolve(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on("error", () => resolve(undefined));
  });
}

test("certificates may come late, are used when they change, and bad ones leave those of before", async (t) => {
  const { port, write, used, files } = await aServer(t, "any");
  assert.equal(await shown(port), undefined);
  const [first, second] = [selfSigned("first"), selfSigned("second")];
  write(first);
  await used(1);
  assert.deepEqual(await check(port, first.cert), serving);
  write(second);
  await used(2);
  assert.deepEqual(await check(port, second.cert), serving);
  assert.match((await shown(port))!.subjectaltname!, /DNS:second/);
  assert.equal(await shown(port, "TLSv1.2"), undefined);
  writeFileSync(files.certificate, "no certificate");
  rmSync(files.key);
  assert.deepEqual(await check(port, second.cert), serving);
});

test("a client without a certificate of those that are trusted is not served", async (t) => {
  const folder = aFolder(t);
  const [trusted, other, own] = [selfSigned("client"), selfSigned("other"), selfSigned("server")];
  const ca = join(folder, "ca");
  writeFileSync(ca, trusted.cert);
  const { port, write, used } = await aServer(t, "certified", [ca]);
  write(own);
  await used(1);
  assert.deepEqual(await check(port, own.cert, trusted), serving);
  for (const bad of [undefined, other]) {
    const { code } = (await check(port, own.cert, bad)) as { code: number };
    assert.equal(code, 14);
  }
});

const none = {
  ...{ serverAddress: "", serverTlsCertFile: "", serverTlsKeyFile: "", healthServerAddress: "" },
  ...{ serverTlsClientCaFiles: [], serverTlsRequireClientCert: false },
};
const flags: readonly { name: string; flags: Partial<typeof none>; want: unknown }[] = [
  { name: "nothing", flags: {}, want: undefined },
  {
    name: "a socket",
    flags: { serverAddress: "unix:///x.sock" },
    want: { addresses: [{ address: { kind: "unix", path: "/x.sock" } }], requireClientCert: false },
  },
  {
    name: "TCP, which opens the socket, too",
    flags: { serverAddress: "localhost" },
    want: {
      addresses: [
        { address: { kind: "tcp", host: "localhost", port: 54321 } },
        { address: { kind: "unix", path: "/var/run/tetragon/tetragon.sock" } },
      ],
      requireClientCert: false,
    },
  },
  {
    name: "health alone",
    flags: { healthServerAddress: ":6789" },
    want: {
      ...{ addresses: [], requireClientCert: false },
      health: { kind: "tcp", host: "", port: 6789 },
    },
  },
  {
    name: "no address",
    flags: { serverAddress: "a b" },
    want: { wrong: "--server-address is a b; write unix:///PATH or HOST:PORT" },
  },
  {
    name: "TLS on a socket",
    flags: { serverAddress: "unix:///x", serverTlsCertFile: "c", serverTlsKeyFile: "k" },
    want: {
      wrong: "--server-tls-*: a Unix socket has no TLS; leave them out, or serve on HOST:PORT",
    },
  },
  {
    name: "a certificate without its key",
    flags: { serverAddress: ":1", serverTlsCertFile: "c" },
    want: { wrong: "TLS takes both --server-tls-cert-file and --server-tls-key-file" },
  },
  {
    name: "clients' certificates that nobody issues",
    flags: {
      ...{ serverAddress: ":1", serverTlsCertFile: "c", serverTlsKeyFile: "k" },
      serverTlsRequireClientCert: true,
    },
    want: { wrong: "--server-tls-require-client-cert takes --server-tls-client-ca-files, too" },
  },
];
for (const { name, flags: given, want } of flags) {
  test(`flags of the API: ${name}`, () => {
    assert.deepEqual(parseApiFlags({ ...none, ...given }), want);
  });
}
