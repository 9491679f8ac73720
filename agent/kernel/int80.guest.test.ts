import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { fieldCase } from "./testing/policies.ts";
import { Cgroup, type Ended } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
const isReported = kernel.engine.features().features.includes("ia32_emulation");
const cgroup = new Cgroup("/sys/fs/cgroup/int80");

/** Writes "32" by int 0x80, then "64" by the system call of its own architecture. */
const source = `
#include <unistd.h>
static const char text[] = "32\\n";
int main(void)
{
  long result = 4; /* write */
  asm volatile("int $0x80" : "+a"(result) : "b"(1), "c"(text), "d"(3)
               : "memory", "r8", "r9", "r10", "r11");
  return write(1, "64\\n", 3) == 3 ? 0 : 1;
}
`;

async function writeBothWays(): Promise<Ended> {
  writeFileSync("/tmp/int80.c", source);
  // Not position-independent: its text is below 4 GiB, where a 32-bit pointer reaches it.
  execFileSync("gcc", ["-O1", "-static", "-no-pie", "-o", "/tmp/int80", "/tmp/int80.c"]);
  return cgroup.sh("exec /tmp/int80");
}

test("a kernel is said to take 32-bit system calls when, and only when, it does", async () => {
  await kernel.program([]);
  const all: Ended = { code: 0, signal: null, out: "32\n64\n" };
  const none: Ended = { code: null, signal: "SIGSEGV", out: "" };
  assert.deepEqual(await writeBothWays(), isReported ? all : none);
});

test("a hook on a system call does not see one by int 0x80, as its policy's status says", {
  skip: !isReported && "this kernel takes no int 0x80",
}, async () => {
  const noWrite = fieldCase("18-int80");
  await kernel.program([noWrite], {
    host: [],
    cgroups: [{ id: cgroup.id, sets: [noWrite.name] }],
  });
  const { signal, out } = await writeBothWays();
  assert.equal(signal, "SIGKILL", "the write of the 64-bit entry");
  assert.match(out, /^32\n/);
});
