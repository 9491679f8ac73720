import { readFileSync } from "node:fs";
import {
  type Address,
  code,
  GrpcClient,
  GrpcError,
  parseAddress,
  parseDuration,
  runFolder,
} from "@guardbee/agent/grpc-client";
import { systemClock } from "@guardbee/kube/clock";
import type { Argv } from "yargs";
import { type Io, UsageError } from "../command.ts";

/** What every command that asks the agent takes; upstream's names. */
export type ConnectionArgs = {
  readonly debug: boolean;
  readonly serverAddress: string;
  readonly timeout: string;
  readonly retries: number;
  readonly maxRecvSize: number;
  readonly tlsCertFile: string;
  readonly tlsKeyFile: string;
  readonly tlsCaCertFiles: readonly string[];
  readonly tlsServerName: string;
  readonly tlsSkipVerify: boolean;
};

export function connectionOptions<T>(yargs: Argv<T>) {
  return yargs
    .option("debug", { alias: "d", type: "boolean", default: false, describe: "Say more" })
    .option("server-address", {
      type: "string",
      default: "",
      describe: "unix:///PATH or HOST:PORT; empty: where the agent of this machine says that it is",
    })
    .option("timeout", { type: "string", default: "30s", describe: "For an answer" })
    .option("retries", {
      type: "number",
      default: 1,
      describe: "How often a call is made again when no agent answers",
    })
    .option("max-recv-size", {
      type: "number",
      default: 10_485_760,
      describe: "The largest message that is taken, in bytes",
    })
    .option("tls-cert-file", { type: "string", default: "", describe: "The client's certificate" })
    .option("tls-key-file", { type: "string", default: "", describe: "Its key" })
    .option("tls-ca-cert-files", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "Who issues the server's certificate; may be repeated",
    })
    .option("tls-server-name", {
      type: "string",
      default: "",
      describe: "The name in the server's certificate",
    })
    .option("tls-skip-verify", {
      type: "boolean",
      default: false,
      describe: "Take any certificate of the server",
    });
}

/** A client of the agent that the options name. */
export function connectAgent(args: ConnectionArgs): GrpcClient {
  const text = args.serverAddress === "" ? knownAddress() : args.serverAddress;
  const address = parseAddress(text);
  if (address === undefined) {
    throw new UsageError(`--server-address: ${text} is none; write unix:///PATH or HOST:PORT`);
  }
  const tls = tlsOf(args, address);
  return new GrpcClient({
    address,
    maxBytes: args.maxRecvSize,
    ...(tls === undefined ? {} : { tls }),
  });
}

export function timeoutMsOf({ timeout }: ConnectionArgs): number {
  const ms = parseDuration(timeout);
  if (ms === undefined || ms === 0) {
    throw new UsageError(`--timeout: ${timeout} is no time; write one as in 30s or 1m30s`);
  }
  return ms;
}

/** As the agent has said, else where upstream's listens. */
function knownAddress(): string {
  try {
    const facts = JSON.parse(readFileSync(`${runFolder}/tetragon-info.json`, "utf8"));
    if (typeof facts.server_address === "string") return facts.server_address;
  } catch {
    // no agent has said anything
  }
  return "localhost:54321";
}

function tlsOf(args: ConnectionArgs, address: Address) {
  const { tlsCertFile: certificate, tlsKeyFile: key, tlsCaCertFiles: cas } = args;
  const { tlsServerName: serverName, tlsSkipVerify: skipVerify } = args;
  const isAsked =
    certificate !== "" || key !== "" || cas.length > 0 || serverName !== "" || skipVerify;
  if (!isAsked) return undefined;
  if ((certificate === "") !== (key === "")) {
    throw new UsageError("--tls-cert-file and --tls-key-file: one takes the other");
  }
  if (skipVerify && cas.length > 0) {
    throw new UsageError(
      "--tls-skip-verify: looks at no certificate; leave --tls-ca-cert-files out",
    );
  }
  if (address.kind === "unix")
    throw new UsageError("--tls-*: a Unix socket has no TLS; leave them out");
  return {
    ...{ cas, verify: !skipVerify },
    ...(certificate === "" ? {} : { certificate, key }),
    ...(serverName === "" ? {} : { serverName }),
  };
}

/** What `ask` gives of the agent; where no agent answers, it is asked again, after a second, then two. */
export async function askAgent<T>(
  args: ConnectionArgs,
  io: Io,
  ask: (client: GrpcClient, options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const timeoutMs = timeoutMsOf(args);
  for (let tries = 0; ; tries++) {
    const client = connectAgent(args);
    try {
      return await ask(client, { timeoutMs, signal: io.signal });
    } catch (error) {
      if (!isUnavailable(error) || tries >= args.retries) throw error;
    } finally {
      client.close();
    }
    await systemClock.sleep(1_000 * 2 ** tries, io.signal);
  }
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return systemClock.sleep(ms, signal);
}

function isUnavailable(error: unknown): boolean {
  return error instanceof GrpcError && error.code === code.unavailable;
}
