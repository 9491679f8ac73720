import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  ConfigFlag,
  FineGuidanceSensors,
  ListTracingPoliciesResponseSchema,
  messageJson,
  ProcessInternalSchema,
} from "@guardbee/agent/grpc-client";
import type { Io } from "../command.ts";
import { askAgent, type ConnectionArgs } from "./connection.ts";

/** What an agent says of itself in tetragon-info.json; upstream's names. */
export type AgentFacts = {
  readonly export_fname?: string;
  readonly lib_dir?: string;
  readonly btf_fname?: string;
  readonly metrics_address?: string;
  readonly bpftool_path?: string;
  readonly pid?: number;
};

type Asked = {
  readonly facts: AgentFacts;
  readonly connection: ConnectionArgs;
  /** Empty: the one that the agent names. */
  readonly bpftool: string;
  readonly io: Io;
};

/** Files by their names. `read` throws where they cannot be had. */
type Part = { readonly name: string; read(): Files | Promise<Files> };
type Files = Readonly<Record<string, string | Buffer>>;

const commandMs = 5_000;
const mostBytes = 256 << 20;

/** What goes into the archive, in upstream's order. */
export function bugtoolParts({ facts, connection, bpftool, io }: Asked): readonly Part[] {
  const { export_fname: events = "", lib_dir: library = "", pid } = facts;
  const tool = bpftool === "" ? (facts.bpftool_path ?? "") : bpftool;
  return [
    {
      name: "tetragon-info.json",
      read: () => ({ "tetragon-info.json": `${JSON.stringify(facts)}\n` }),
    },
    { name: "lib", read: () => objectsIn(library) },
    { name: "btf", read: () => ({ btf: fileAt(facts.btf_fname || "/sys/kernel/btf/vmlinux") }) },
    { name: "tetragon.log", read: () => (events === "" ? {} : { "tetragon.log": fileAt(events) }) },
    { name: "metrics", read: () => metricsAt(facts.metrics_address ?? "", io.signal) },
    { name: "dmesg.out", read: () => ran("dmesg.out", "dmesg", []) },
    { name: "tc-info", read: trafficFilters },
    ...["map show", "prog show", "cgroup tree"].map((words) => {
      const name = `bpftool-${words.split(" ")[0]}s.json`;
      return {
        name,
        read: () => (tool === "" ? {} : ran(name, tool, [...words.split(" "), "-j"])),
      };
    }),
    { name: "processcache.json", read: () => processCache(connection, io) },
    { name: "tracing-policies.json", read: () => policies(connection, io) },
    { name: "pmap.out", read: () => mappings(pid) },
    { name: "memory", read: () => memoryOf(pid) },
    { name: "trace", read: () => ({ trace: fileAt("/sys/kernel/tracing/trace") }) },
  ];
}

function fileAt(path: string): Buffer {
  if (!statSync(path).isFile()) throw new Error(`${path} is no file`);
  return readFileSync(path);
}

function objectsIn(folder: string): Files {
  if (folder === "") return {};
  const names = readdirSync(folder).filter((name) => name.endsWith(".o"));
  return Object.fromEntries(names.map((name) => [`lib/${name}`, fileAt(join(folder, name))]));
}

async function metricsAt(address: string, signal: AbortSignal): Promise<Files> {
  const port = address.split(":").at(-1);
  if (port === undefined || port === "") return {};
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(commandMs)]),
  });
  return { metrics: Buffer.from(await answer.arrayBuffer()) };
}

async function trafficFilters(): Promise<Files> {
  const links = readdirSync("/sys/class/net");
  const asked = links.flatMap((link) =>
    ["ingress", "egress"].map((way) =>
      ran(`tc-info.${link}.${way}`, "tc", ["filter", "show", "dev", link, way]),
    ),
  );
  return Object.assign({}, ...(await Promise.all(asked)));
}

/** What a program prints, and beside it `.err` with what it says is wrong. */
async function ran(name: string, program: string, words: readonly string[]): Promise<Files> {
  const options = { timeout: commandMs, maxBuffer: mostBytes, encoding: "buffer" as const };
  const said = await promisify(execFile)(program, words, options).catch((error) => {
    if (error.stdout === undefined || error.code === "ENOENT") {
      throw new Error(`${program} cannot be run: ${error.code ?? error.message}`);
    }
    return error as { stdout: Buffer; stderr: Buffer };
  });
  return {
    [name]: said.stdout,
    ...(said.stderr.length === 0 ? {} : { [`${name}.err`]: said.stderr }),
  };
}

async function processCache(connection: ConnectionArgs, io: Io): Promise<Files> {
  const { arg } = await askAgent(connection, io, (client, options) =>
    client.call(
      FineGuidanceSensors.method.getDebug,
      { flag: ConfigFlag.CONFIG_FLAG_DUMP_PROCESS_CACHE, arg: { case: "dump", value: {} } },
      options,
    ),
  );
  const processes = arg.case === "processes" ? arg.value.processes : [];
  const lines = processes.map((one) => `${messageJson(ProcessInternalSchema, one)}\n`);
  return { "processcache.json": lines.join("") };
}

async function policies(connection: ConnectionArgs, io: Io): Promise<Files> {
  const answer = await askAgent(connection, io, (client, options) =>
    client.call(FineGuidanceSensors.method.listTracingPolicies, {}, options),
  );
  const text = messageJson(ListTracingPoliciesResponseSchema, answer);
  return { "tracing-policies.json": `${text}\n` };
}

/** pmap's, else what it reads. */
async function mappings(pid: number | undefined): Promise<Files> {
  if (pid === undefined) throw new Error("the agent does not say its pid");
  try {
    return await ran("pmap.out", "pmap", ["-x", String(pid)]);
  } catch {
    return { "pmap.out": readFileSync(`/proc/${pid}/smaps`) };
  }
}

/** What the agent's cgroup says of its memory. */
function memoryOf(pid: number | undefined): Files {
  if (pid === undefined) throw new Error("the agent does not say its pid");
  const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
  const folder = join("/sys/fs/cgroup", path ?? "");
  if (path === undefined || !existsSync(folder)) throw new Error(`there is no cgroup of ${pid}`);
  const names = readdirSync(folder).filter(
    (name) => name.startsWith("memory.") && name !== "memory.reclaim",
  );
  return Object.fromEntries(
    names.flatMap((name): (readonly [string, Buffer])[] => {
      try {
        return [[name, readFileSync(join(folder, name))]];
      } catch {
        return []; // one that is only written
      }
    }),
  );
}
