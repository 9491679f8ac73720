import { createWriteStream, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { runFolder } from "@guardbee/agent/grpc-client";
import { systemClock } from "@guardbee/kube/clock";
import { oneLine } from "@guardbee/policy/printable";
import { pack } from "tar-stream";
import { UsageError } from "../command.ts";
import { type AgentFacts, bugtoolParts } from "./bugtool-parts.ts";
import { aText, tetraCommand } from "./command.ts";

type Args = { readonly out: string; readonly bpftool: string; readonly gops: string };

export const bugtool = tetraCommand<Args>({
  ...{ name: "bugtool", positionals: "", example: "bugtool" },
  summary: "Gather what helps to find a fault of the agent in an archive",
  options: (yargs) =>
    yargs
      .option("out", { ...aText("The archive", "tetragon-bugtool.tar.gz"), alias: "o" })
      .option("bpftool", aText("Where bpftool is, for a list of all maps and programs"))
      .option("gops", aText("Nothing: the agent is no Go program")),
  async run(args, io) {
    const facts = agentFacts();
    if (facts === undefined && args.serverAddress === "") {
      throw new UsageError(
        `no agent has left ${runFolder}/tetragon-info.json on this machine; name one with --server-address`,
      );
    }
    const folder = `tetragon-bugtool-${stamp(systemClock.now())}`;
    const log: string[] = [];
    const tell = (level: "info" | "warning", message: string) => {
      const time = new Date(systemClock.now()).toISOString();
      log.push(`time=${time} level=${level} msg=${JSON.stringify(oneLine(message))}\n`);
      if (level === "warning") io.stderr.write(`level=warning msg=${JSON.stringify(message)}\n`);
    };
    const archive = pack();
    const add = (name: string, content: string | Buffer) =>
      archive.entry({ name: `${folder}/${name}`, mode: 0o644 }, content);
    // Not for everybody: it has events, and what they tell of processes.
    const file = createWriteStream(resolve(io.cwd, args.out), { mode: 0o600 });
    const written = pipeline(archive, createGzip(), file, { signal: io.signal });
    written.catch(() => {}); // what is wrong is told where it is waited for
    const parts = bugtoolParts({ facts: facts ?? {}, connection: args, bpftool: args.bpftool, io });
    for (const { name, read } of parts) {
      try {
        for (const [file, content] of Object.entries(await read())) add(file, content);
        tell("info", `${name}: done`);
      } catch (error) {
        io.signal.throwIfAborted();
        tell("warning", `${name}: ${(error as Error).message}`);
      }
    }
    add("tetragon-bugtool.log", log.join(""));
    archive.finalize();
    await written;
  },
});

/** What the agent of this machine says of itself; undefined: there is none. */
function agentFacts(): AgentFacts | undefined {
  try {
    return JSON.parse(readFileSync(`${runFolder}/tetragon-info.json`, "utf8")) as AgentFacts;
  } catch {
    return undefined;
  }
}

/** `20261130171500`, of this machine's time. */
function stamp(now: number): string {
  const at = new Date(now);
  const rest = [at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()];
  return `${at.getFullYear()}${rest.map((part) => String(part).padStart(2, "0")).join("")}`;
}
