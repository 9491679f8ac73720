import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { FileRoot } from "../engine.ts";
import { containerRoots } from "../scope/container-roots.ts";
import { compileC } from "./testing/compile.ts";
import { bpfIds, openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { engine, events, program } = kernel;
after(() => kernel.close());

const folder = "/tmp/uprobe-containers";
rmSync(folder, { recursive: true, force: true });
const image = `${folder}/image`;
mkdirSync(`${image}/app`, { recursive: true });
const source = fileURLToPath(new URL("./testing/uprobe-subject.c", import.meta.url));
compileC(`${image}/app/subject`, [source], ["-O1", "-static"]);
// To the container's own file, and not to the node's of that name.
symlinkSync("/app/subject", `${image}/app/link`);
execFileSync("mkfifo", [`${image}/app/pipe`]);
writeFileSync(`${image}/app/text`, "greet");

const inPods = (path: string) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: p }
spec:
  podSelector: {}
  uprobes: [{ path: ${path}, symbols: [greet], args: [{ index: 0, type: string }] }]
`);

/** A process in a container of the image: an overlay of its own is its root. */
class Container {
  readonly cgroup: Cgroup;
  readonly #child: ChildProcess;

  constructor(name: string) {
    const root = `${folder}/${name}`;
    for (const part of ["upper", "work", "root"]) mkdirSync(`${root}/${part}`, { recursive: true });
    const layers = `lowerdir=${image},upperdir=${root}/upper,workdir=${root}/work`;
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", layers, `${root}/root`]);
    this.cgroup = new Cgroup(`/sys/fs/cgroup/guardbee-${name}`);
    const script = `echo 0 >${this.cgroup.path}/cgroup.procs; exec unshare -m chroot ${root}/root /app/subject wait`;
    this.#child = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    after(() => this.#child.kill("SIGKILL"));
  }

  /** Has it call its function once, and waits for the end of that. */
  async greet(): Promise<void> {
    const answered = new Promise((done) => this.#child.stdout!.once("data", done));
    this.#child.stdin!.write("hi\n");
    await answered;
  }

  async roots(sets: readonly string[]): Promise<readonly FileRoot[]> {
    const { id, path } = this.cgroup;
    return (await containerRoots(path, "/proc")).map((root) => ({ path: root, cgroup: id, sets }));
  }
}

const first = new Container("first");
await first.greet();

/** Programs the set for the containers' cgroups alone. */
async function programIn(set: ReturnType<typeof policyIn>, ...containers: readonly Container[]) {
  const cgroups = containers.map(({ cgroup }) => ({ id: cgroup.id, sets: [set.name] }));
  const [state] = await program([set], { host: [], cgroups });
  assert.equal(state?.state, "programmed", JSON.stringify(state));
}

async function callsDuring(scene: () => Promise<unknown>): Promise<number> {
  const { hooks } = await events.during(scene);
  assert.ok(hooks.every(({ call }) => call === "greet"));
  return hooks.length;
}

for (const path of ["/app/subject", "/app/link"]) {
  test(`${path} is the container's own, and one that comes later is hooked, too`, async () => {
    const set = inPods(path);
    await programIn(set, first);
    assert.equal(await callsDuring(() => first.greet()), 0, "nothing is known of it yet");
    const roots = await first.roots([set.name]);
    assert.equal(roots.length, 1);
    assert.deepEqual(await engine.hookFiles(roots), []);
    assert.equal(await callsDuring(() => first.greet()), 1);
    const later = new Container(`later${path.length}`);
    await later.greet();
    await programIn(set, first, later);
    // The file is the image's, which both have: it is attached to once, and each call is one.
    const links = bpfIds().link.length;
    assert.deepEqual(await engine.hookFiles([...roots, ...(await later.roots([set.name]))]), []);
    assert.equal(bpfIds().link.length, links);
    assert.equal(await callsDuring(() => later.greet()), 1);
    assert.equal(await callsDuring(() => first.greet()), 1);
    // An edited policy sees the containers from its first moment on.
    await programIn({ ...inPods(path), hash: "edited" }, first, later);
    assert.equal(await callsDuring(() => first.greet()), 1);
    assert.deepEqual(await engine.hookFiles([]), []);
    assert.equal(bpfIds().link.length, links - 1);
    assert.equal(await callsDuring(() => first.greet()), 0);
  });
}

for (const [path, why] of [
  ["/app/pipe", "/app/pipe:greet: its /app/pipe: open: Invalid argument; is no regular file"],
  ["/app/text", "/app/text:greet: of its file, e_ident is of no ELF file"],
] as const) {
  test(`${path} in a container, which cannot be hooked, is said`, async () => {
    const set = inPods(path);
    await programIn(set, first);
    assert.deepEqual(await engine.hookFiles(await first.roots([set.name])), [
      { cgroup: first.cgroup.id, set: set.name, message: why },
    ]);
  });
}

test("a container without the file lacks nothing", async () => {
  const set = inPods("/app/none");
  await programIn(set, first);
  assert.deepEqual(await engine.hookFiles(await first.roots([set.name])), []);
});
