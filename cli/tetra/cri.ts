import { existsSync } from "node:fs";
import { GrpcClient, parseAddress, RuntimeService } from "@guardbee/agent/grpc-client";
import type { Argv } from "yargs";
import { type Io, UsageError } from "../command.ts";
import { aText, tetraCommand } from "./command.ts";

type CriArgs = { readonly output: "raw" | "json"; readonly runtimeEndpoint: string };

const methods = RuntimeService.method;

const criOptions = (yargs: Argv) =>
  yargs
    .option("output", {
      ...{ alias: "o", choices: ["raw", "json"] as const, default: "raw" as const },
      describe: "raw: for people; json: the answer as it is",
    })
    .option("runtime-endpoint", {
      ...aText("Where the container runtime listens; empty: the first of the usual places"),
      alias: "r",
    });

export const criVersion = tetraCommand<CriArgs>({
  ...{ name: "cri version", positionals: "", example: "cri version" },
  summary: "Say which container runtime there is",
  options: criOptions,
  async run(args, io) {
    const { version, runtimeName, runtimeVersion, runtimeApiVersion } = await asking(
      args,
      (client, options) => client.call(methods.version, {}, options),
      io,
    );
    const fields = Object.entries({
      ...{ version, runtime_name: runtimeName, runtime_version: runtimeVersion },
      runtime_api_version: runtimeApiVersion,
    }).filter(([, value]) => value !== "");
    const raw = () => fields.map(([name, value]) => `${name}:${JSON.stringify(value)}`).join(" ");
    const json = () => JSON.stringify(Object.fromEntries(fields));
    io.stdout.write(`${args.output === "json" ? json() : raw()}\n`);
  },
});

export const criCgroupPath = tetraCommand<CriArgs & { readonly id: string }>({
  ...{ name: "cri cgroup_path", positionals: "<id>", example: "cri cgroup_path 1234" },
  summary: "Print the cgroup of a container, by its full id",
  options: (yargs) => criOptions(yargs.positional("id", { type: "string" })),
  async run(args, io) {
    const request = { containerId: args.id, verbose: true };
    const { info } = await asking(
      args,
      (client, options) => client.call(methods.containerStatus, request, options),
      io,
    );
    io.stdout.write(`${cgroupPathIn(info.info)}\n`);
  },
});

/** In what a runtime says at length of a container: the path in its OCI specification. */
export function cgroupPathIn(info: string | undefined): string {
  if (info === undefined) throw new UsageError("the container runtime says nothing at length");
  let found: unknown;
  try {
    found = JSON.parse(info).runtimeSpec.linux.cgroupsPath;
  } catch {
    // not as expected
  }
  if (typeof found !== "string" || found === "") {
    throw new UsageError("the container runtime does not say runtimeSpec.linux.cgroupsPath");
  }
  const [slice, prefix, name, ...rest] = found.split(":");
  const isSystemds = slice !== undefined && prefix !== undefined && name !== undefined;
  return isSystemds && rest.length === 0 ? ofSystemd(slice, prefix, name) : found;
}

/** `kubepods-burstable.slice` is `/kubepods.slice/kubepods-burstable.slice`. */
function ofSystemd(slice: string, prefix: string, name: string): string {
  const steps = slice.replace(/\.slice$/, "").split("-");
  const slices = steps.map((_, i) => `/${steps.slice(0, i + 1).join("-")}.slice`);
  return `${slices.join("")}/${prefix === "" ? "" : `${prefix}-`}${name}.scope`;
}

/** Upstream's, in its order. */
const usualEndpoints = [
  "/run/containerd/containerd.sock",
  "/run/crio/crio.sock",
  "/var/run/cri-dockerd.sock",
];

const mostBytes = 16 << 20; // of what a runtime says of a container
const timeoutMs = 10_000;

async function asking<T>(
  { runtimeEndpoint }: CriArgs,
  ask: (client: GrpcClient, options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
  { signal }: Io,
): Promise<T> {
  const endpoint = runtimeEndpoint === "" ? usualEndpoints.find(existsSync) : runtimeEndpoint;
  if (endpoint === undefined) {
    const places = usualEndpoints.map((path) => `unix://${path}`).join(", ");
    throw new UsageError(`no container runtime is at ${places}; name one with --runtime-endpoint`);
  }
  const address = parseAddress(endpoint);
  if (address === undefined) {
    throw new UsageError(`--runtime-endpoint: ${endpoint} is none; write unix:///PATH`);
  }
  const client = new GrpcClient({ address, maxBytes: mostBytes });
  try {
    return await ask(client, { timeoutMs, signal });
  } finally {
    client.close();
  }
}
