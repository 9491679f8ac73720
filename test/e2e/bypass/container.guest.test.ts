import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { example } from "../../../agent/kernel/testing/policies.ts";
import { Cgroup, run } from "../../../agent/kernel/testing/scene.ts";
import { ensureBuilt } from "../lab/build.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

// A pod's cgroup, in which runc makes the container's.
const pod = new Cgroup("/sys/fs/cgroup/protected-pod");
const bundle = "/run/bundle";
const { runc, busybox } = await ensureBuilt(["runc", "busybox"]);
rmSync(bundle, { recursive: true, force: true });
for (const folder of ["bin", "tmp/forbidden", "tmp/other"]) {
  mkdirSync(`${bundle}/rootfs/${folder}`, { recursive: true });
}
copyFileSync(busybox!, `${bundle}/rootfs/bin/busybox`);
symlinkSync("busybox", `${bundle}/rootfs/bin/sh`);
writeFileSync(`${bundle}/rootfs/tmp/forbidden/x`, "before");

test("the runtime can start a container under protect-files, whose processes can neither write nor mount", async () => {
  const sets = [example("protect-files"), example("protect-files-calls")];
  await kernel.program(sets, {
    host: [],
    cgroups: [{ id: pod.id, sets: sets.map(({ name }) => name) }],
  });
  // Not as the first process, which may mount.
  const script = [
    "busybox echo started",
    "busybox echo x 2>&1 >>/tmp/forbidden/x; busybox echo $?",
    "busybox mount -o bind /tmp/forbidden /tmp/other; busybox echo $?",
    "busybox mv /tmp/forbidden /tmp/renamed; busybox echo $?",
    "busybox cat /tmp/forbidden/x",
  ].join("; ");
  const { code, out } = await inContainer(`(${script}) 2>&1; true`);
  const lines = out.trim().split("\n");
  assert.deepEqual(
    lines.filter((line) => !/not permitted|permission denied/.test(line)),
    ["started", "1", "1", "1", "before"],
  );
  assert.equal(code, 0);
});

/** How `script` ends, run by a container's first process, which has all capabilities. */
async function inContainer(script: string) {
  execFileSync(runc!, ["spec"], { cwd: bundle });
  const file = `${bundle}/config.json`;
  const config = JSON.parse(readFileSync(file, "utf8"));
  const all = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"];
  Object.assign(config.process, {
    terminal: false,
    args: ["/bin/sh", "-c", script],
    capabilities: { bounding: all, effective: all, permitted: all },
  });
  config.root.readonly = false;
  config.linux.cgroupsPath = "/protected-pod/container";
  writeFileSync(file, JSON.stringify(config));
  return run(runc!, "run", "--bundle", bundle, "protected");
}
