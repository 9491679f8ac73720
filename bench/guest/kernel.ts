import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import type { NamedSet, Scopes } from "../../agent/engine.ts";
import { KernelEngine } from "../../agent/kernel/kernel-engine.ts";
import { loadNative, type Native } from "../../agent/kernel/native.ts";
import { type Scenario, seriesCounts } from "../keys.ts";
import type { Message } from "../messages.ts";
import { allowLists } from "./exec-lists.ts";
import { chargedBytes, enterOwnCgroup, reportedBytes } from "./memory.ts";
import {
  countConnect,
  countExec,
  countWrite,
  probeFile,
  programsOfExec,
  unusedFd,
  writtenFd,
} from "./probe.ts";
import {
  onAggregate,
  onBinary,
  onConnect,
  onFilePostfix,
  onFilePrefix,
  onFileSubstring,
  onHost,
  onList,
  onManyCalls,
  onManyFds,
  onReadings,
  onReturn,
  onWrittenFd,
  onWrittenSize,
} from "./sets.ts";

type Tell = (message: Message) => void;

/** What the kernel side costs, driven through the agent's engine and without its event loop. */
export async function measureKernel(wanted: readonly Scenario[], tell: Tell): Promise<void> {
  const native = loadNative();
  enterOwnCgroup();
  const bare = measureBare(wanted, tell);
  const floors = measureEmpty(native, bare.write, tell);
  const bench = new KernelBench(native, bare, floors, tell);
  const run: Partial<Record<Scenario, () => Promise<void> | void>> = {
    idle: () => bench.idle(),
    load: () => bench.load(),
    write_arg: () => bench.writeArg(),
    emit: () => bench.emit(),
    unscoped: () => bench.unscoped(),
    scoped: () => bench.scoped(),
    file_prefix: () => bench.filePrefix(),
    binary: () => bench.binary(),
    postfix: () => bench.series("postfix", [1, 1000], onFilePostfix),
    range: () => bench.series("range", [1, 1000], onWrittenSize),
    substring: () => bench.series("substring", [1, 100], onFileSubstring, nullAt(40)),
    addr: () => bench.addr(),
    return: () => bench.series("return", [1], () => onReturn(unusedFd)),
    readings: () => bench.series("readings", [24], onReadings),
    many: () => bench.series("many", [10_000], (count) => onManyFds(count, unusedFd)),
    aggregate: () => bench.aggregate(),
    list: () => bench.list(),
    exec_allow_1: () => bench.execAllow(1),
    exec_allow_2000: () => bench.execAllow(2_000),
    churn: () => bench.churn(),
  };
  for (const scenario of wanted) await run[scenario]?.();
}

function measureBare(wanted: readonly Scenario[], tell: Tell) {
  tell({ progress: "bare calls" });
  const write = countWrite();
  tell({ value: "write_bare", number: write, method: "least of 10 rounds of 2,000 calls" });
  const execsInPods = wanted.some((one) => one === "exec_allow_1" || one === "exec_allow_2000");
  const podExec = execsInPods ? countExec(podOf(0)) : 0;
  if (!wanted.includes("idle")) return { write, exec: 0, podExec };
  const exec = countExec();
  tell({
    value: "exec_bare",
    number: exec,
    method: "mean of 500, in the middle one of five probes",
  });
  return { write, exec, podExec };
}

/** What the least possible program adds, on the two functions that the series are on. */
function measureEmpty(native: Native, bare: number, tell: Tell) {
  tell({ progress: "empty programs" });
  const object = native.openObject(probeFile("empty.bpf.o"));
  object.load();
  const count = (key: string, program: string): number => {
    const link = object.attach(program);
    const added = countWrite() - bare;
    link.detach();
    tell({ value: key, number: added, method: "write(2) with it less write_bare" });
    return added;
  };
  const floors = {
    write: count("write_empty", "empty_write"),
    file: count("file_empty", "empty_file_permission"),
  };
  object.close();
  return floors;
}

/** Of one call with nothing loaded; `podExec`: in a pod, whose memory is counted. 0: not needed. */
type Bare = { readonly write: number; readonly exec: number; readonly podExec: number };

class KernelBench {
  readonly #engine: KernelEngine;
  readonly #bare: Bare;
  readonly #floors: { readonly write: number; readonly file: number };
  readonly #tell: Tell;
  /** Memory before the engine was made. */
  readonly #before: { readonly reported: number; readonly charged: number };

  constructor(native: Native, bare: Bare, floors: { write: number; file: number }, tell: Tell) {
    tell({ progress: "process tracking" });
    this.#bare = bare;
    this.#floors = floors;
    this.#tell = tell;
    this.#before = { reported: reportedBytes(), charged: chargedBytes() };
    const bpffs = "/sys/fs/bpf/guardbee";
    mkdirSync(bpffs, { recursive: true });
    this.#engine = new KernelEngine({
      native,
      bpffs,
      objects: fileURLToPath(new URL("../../bpf/build", import.meta.url)),
      protectedBinaries: [],
      podFiles: 4096,
      log: pino({ level: "warn" }),
    });
  }

  idle(): void {
    const charged = chargedBytes() - this.#before.charged;
    const reported = reportedBytes() - this.#before.reported;
    this.#value("kmem_idle", reported, "bytes_memlock of bpftool map and prog, summed");
    this.#value("kmem_idle_cgroup", charged, "kernel of memory.stat, before and after loading");
    const write = countWrite() - this.#bare.write;
    this.#value("write_idle", write, "write(2) less write_bare");
    const exec = countExec() - this.#bare.exec;
    this.#value("exec_kernel", exec, "fork + exec + exit less exec_bare", this.#bare.exec);
  }

  async load(): Promise<void> {
    const [hundred, next] = [onWrittenFd(100, unusedFd), onWrittenFd(101, unusedFd)];
    const first = await this.#program(hundred.slice(0, 1));
    this.#value("load_1", first, "KernelEngine.program() of one policy, the first call of all");
    const one = { reported: reportedBytes(), charged: chargedBytes() };
    await this.#program([]);
    const warm = await this.#program(hundred.slice(0, 1));
    await this.#program([]);
    const all = await this.#program(hundred);
    const many = { reported: reportedBytes(), charged: chargedBytes() };
    const each = (all - warm) / 99;
    this.#value("load_100", each, `(program() of 100: ${ms(all)}, of one: ${ms(warm)}) / 99`);
    const last = await this.#program(next);
    this.#value("load_next", last, "program() of 101 policies when 100 of them are in force");
    const how = "100 policies less one, / 99";
    this.#value("kmem_policy", (many.reported - one.reported) / 99, how);
    this.#value("kmem_policy_cgroup", (many.charged - one.charged) / 99, how);
  }

  async writeArg(): Promise<void> {
    for (const count of seriesCounts) {
      await this.#program(onWrittenFd(count, unusedFd));
      this.#onTopOfWrite(`write_arg_${count}`);
    }
  }

  async emit(): Promise<void> {
    await this.#program(onWrittenFd(1, unusedFd));
    const without = countWrite();
    await this.#program(onWrittenFd(1, writtenFd));
    await this.#emptyRings();
    const added = countWrite() - without;
    this.#value("emit", added, "write(2) that matches less one that does not; no reader");
    await this.#program([]);
    await this.#emptyRings();
  }

  async #emptyRings(): Promise<void> {
    const rings = this.#engine.openRings();
    rings.end();
    while ((await rings.read()) !== undefined);
    await rings.close();
  }

  async unscoped(): Promise<void> {
    const sets = onWrittenFd(100, unusedFd);
    const names = sets.map(({ name }) => name).sort();
    const pod = { id: cgroupId(makeCgroup("kubepods/pod")), sets: names };
    await this.#program(sets, onNode([pod]));
    this.#onTopOfWrite("write_unscoped");
  }

  async scoped(): Promise<void> {
    const sets = onWrittenFd(1000, unusedFd);
    const folders = sets.map(({ name }) => makeCgroup(`kubepods/besteffort/pod-${name}/container`));
    const cgroups = sets.map(({ name }, index) => ({
      id: cgroupId(folders[index]!),
      sets: [name],
    }));
    await this.#program(sets, onNode(cgroups));
    this.#onTopOfWrite("write_scoped_1000", folders[500]);
  }

  async filePrefix(): Promise<void> {
    for (const count of [1, 100, 1000]) {
      await this.#program(onFilePrefix(count));
      const added = countWrite() - this.#bare.write;
      this.#value(`file_prefix_${count}`, added, "write(2) less write_bare", this.#floors.file);
    }
  }

  async binary(): Promise<void> {
    for (const count of [1, 100]) {
      await this.#program(onBinary(count));
      this.#onTopOfWrite(`binary_${count}`);
    }
  }

  /** Policies that no write(2) meets, so many at once. */
  async series(
    name: string,
    counts: readonly number[],
    sets: (count: number) => readonly NamedSet[],
    path?: string,
  ): Promise<void> {
    for (const count of counts) {
      await this.#program(sets(count));
      const added = countWrite(undefined, path) - this.#bare.write;
      this.#value(`${name}_${count}`, added, "write(2) less write_bare");
    }
  }

  async addr(): Promise<void> {
    await this.#program([]);
    const bare = countConnect();
    for (const count of [1, 1000]) {
      await this.#program(onConnect(count));
      this.#value(`addr_${count}`, countConnect() - bare, `connect(2) less the bare one, ${bare}`);
    }
  }

  async aggregate(): Promise<void> {
    await this.#program(onWrittenFd(1, unusedFd));
    const without = countWrite();
    await this.#program(onAggregate(writtenFd));
    const added = countWrite() - without;
    this.#value("aggregate_hot", added, "write(2) that is counted less one that does not match");
    await this.#program([]);
    await this.#emptyRings();
  }

  async list(): Promise<void> {
    const took = await this.#program(onList(listedFunctions()));
    this.#value("list_300_load", took, "KernelEngine.program() of the policy");
    this.#onTopOfWrite("list_300");
    await this.#program([]);
  }

  /** Each in a pod of its own, of which one in the middle is measured: its list has the program. */
  async execAllow(count: number): Promise<void> {
    await this.#program([]);
    const measured = podOf(count >> 1);
    const tracked = countExec(measured);
    const sets = allowLists(count, programsOfExec());
    const cgroups = sets.map(({ name }, index) => ({ id: cgroupId(podOf(index)), sets: [name] }));
    const charged = chargedBytes();
    const took = await this.#program(sets, onNode(cgroups));
    const bytes = chargedBytes() - charged;
    const exec = countExec(measured) - this.#bare.podExec;
    const method = `fork + exec + exit in the pod less the same with nothing loaded; with no policy it is ${Math.round(tracked - this.#bare.podExec)} there`;
    this.#value(`exec_allow_${count}`, exec, method, this.#bare.podExec);
    if (count > 1) {
      const key = `exec_allow_${count}`;
      this.#value(`${key}_load`, took, "KernelEngine.program() of all of them at once");
      this.#value(`${key}_kmem`, bytes, "kernel of memory.stat, before and after loading");
    }
    await this.#program([]);
  }

  /** Each pod has five of the policies. */
  async churn(): Promise<void> {
    const sets = onManyCalls(1_000, unusedFd);
    const podWith = (index: number, first: number) => ({
      id: cgroupId(podOf(index)),
      sets: sets.slice(first, first + 5).map(({ name }) => name),
    });
    const pods = Array.from({ length: 200 }, (_, index) => podWith(index, 5 * index));
    await this.#program(sets, onNode(pods));
    const edited = [onManyCalls(1, unusedFd - 1)[0]!, ...sets.slice(1)];
    const changed = await this.#program(edited, onNode(pods));
    this.#value("change_1000", changed, "KernelEngine.program() with one of them edited");
    const others = Array.from({ length: 10 }, (_, index) => podWith(200 + index, 5 * index + 3));
    const grown = others.map((_, last) => onNode([...pods, ...others.slice(0, last + 1)]));
    const startedAt = performance.now();
    for (const scopes of grown) await this.#engine.assign(scopes);
    const came = (performance.now() - startedAt) / grown.length;
    this.#value("pod_row_1000", came, "KernelEngine.assign() with one pod more, mean of ten");
    await this.#program([]);
  }

  #onTopOfWrite(key: string, cgroup?: string): void {
    const added = countWrite(cgroup) - this.#bare.write;
    this.#value(key, added, "write(2) less write_bare", this.#floors.write);
  }

  /** Programs the kernel and returns how many guest milliseconds it took. */
  async #program(
    sets: readonly NamedSet[],
    scopes: Scopes = { ...onHost(sets), podRoots: kubepods() },
  ): Promise<number> {
    const startedAt = performance.now();
    const done = await this.#engine.program({ sets, scopes });
    const tookMs = performance.now() - startedAt;
    const failed =
      done.kind === "kept" ? done.refused[0] : done.states.find(({ state }) => state === "failed");
    if (failed !== undefined) throw new Error(`not programmed: ${JSON.stringify(failed)}`);
    this.#tell({ progress: `programmed ${sets.length} policies in ${ms(tookMs)}` });
    return tookMs;
  }

  #value(value: string, number: number, method: string, floor?: number): void {
    this.#tell({ value, number, method, ...(floor === undefined ? {} : { floor }) });
  }
}

function ms(time: number): string {
  return `${Math.round(time)} ms`;
}

/** The same as /dev/null, at a path of so many bytes. */
function nullAt(bytes: number): string {
  const path = "/tmp/".padEnd(bytes, "null");
  rmSync(path, { force: true });
  execFileSync("mknod", [path, "c", "1", "3"]);
  return path;
}

/** What write(2) calls, and others that it does not. */
function listedFunctions(): readonly string[] {
  const all = readFileSync("/sys/kernel/tracing/available_filter_functions", "utf8");
  const others = all.match(/^(ext4|xfs|nfs|tcp|ip6|udp|inet)_\w+$/gm) ?? [];
  return ["vfs_write", ...others.slice(0, 299)];
}

/** What holds in `cgroups` alone. */
function onNode(cgroups: Scopes["cgroups"]): Scopes {
  return { host: [], podRoots: kubepods(), unknownPods: [], cgroups };
}

/** A node has pods, also where none is in a policy's scope. */
function kubepods(): Scopes["podRoots"] {
  return [{ id: cgroupId(makeCgroup("kubepods")), level: 1 }];
}

function podOf(index: number): string {
  return makeCgroup(`kubepods/besteffort/pod-app-${index}/container`);
}

function makeCgroup(name: string): string {
  const folder = `/sys/fs/cgroup/${name}`;
  mkdirSync(folder, { recursive: true });
  return folder;
}

function cgroupId(folder: string): bigint {
  return statSync(folder, { bigint: true }).ino;
}
