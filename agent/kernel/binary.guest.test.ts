import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, realpathSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Condition } from "@guardbee/policy";
import type { NamedSet } from "../engine.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority, when } from "./testing/policies.ts";
import { run } from "./testing/scene.ts";

/** Has a child that calls, and then calls itself, for each line that it is given. */
const early = spawn(
  "perl",
  [
    "-e",
    "$| = 1; while (<STDIN>) { if (fork) { wait } else { getpriority(0, 0); exit } getpriority(0, 0); print 1 }",
  ],
  { stdio: ["pipe", "pipe", "inherit"] },
);
const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const folder = "/tmp/binaries";
const dash = realpathSync("/bin/sh");
/** Its beginning and its end are compared, and no whole. */
const long = `${folder}/${"a".repeat(200)}/${"b".repeat(200)}`;

before(() => {
  for (const path of [folder, long]) mkdirSync(path, { recursive: true });
  for (const name of ["one", "two"]) copyFileSync("/usr/bin/nice", `${folder}/${name}`);
  copyFileSync("/usr/bin/nice", `${long}/one`);
});

/** A policy on getpriority(2), called `name`. */
function asking(name: string, ...conditions: readonly Condition[]): NamedSet {
  return aSet(name, onGetpriority(when(...conditions)));
}

/** The policies that saw a call of what `command` started. */
async function saw(command: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { hooks } = await events.during(() => run(command, ...args));
  return [...new Set(hooks.map(({ policy }) => policy.replace(/^tracingpolicy\./, "")))].sort();
}

/** Runs a copy of nice(1) that has no path. */
const inMemory = `
  $^F = 99; my $name = "x"; my $fd = syscall(319, $name, 0);
  open(my $to, ">&=", $fd); open(my $from, "<", "/usr/bin/nice");
  { local $/; binmode $to; print $to scalar <$from>; } $to->flush;
  exec "/proc/self/fd/$fd"`;

test("matchBinaries compares the end of a path, of a long one its last bytes", async () => {
  const binary = (op: "Postfix" | "NotPostfix", values: readonly string[]): Condition => ({
    ...{ by: "binary", op, values },
  });
  await kernel.program([
    asking("ends", binary("Postfix", ["/one", "/three"])),
    asking("ends-other", binary("Postfix", ["/one/", "one/one", "aries/two"])),
    asking("ends-long", binary("Postfix", [`${"b".repeat(100)}/one`])),
    asking("not-ends", binary("NotPostfix", ["/one"])),
    asking("not-ends-other", binary("NotPostfix", ["/three"])),
  ]);
  assert.deepEqual(await saw(`${folder}/one`), ["ends", "not-ends-other"]);
  assert.deepEqual(await saw(`${folder}/two`), ["ends-other", "not-ends", "not-ends-other"]);
  assert.deepEqual(await saw(`${long}/one`), ["ends", "ends-long", "not-ends-other"]);
  assert.deepEqual(
    await saw("perl", "-e", inMemory),
    ["not-ends", "not-ends-other"],
    "what has no path is not in any list",
  );
});

test("matchParentBinaries compares what a process was made by", async () => {
  const parent = (op: "In" | "NotIn" | "Prefix" | "Postfix", ...values: string[]): Condition => ({
    ...{ by: "parentBinary", op, values },
  });
  await kernel.program([
    asking("by-dash", parent("In", dash)),
    asking("not-by-dash", parent("NotIn", dash)),
    asking("by-one", parent("Postfix", "s/one")),
    asking("by-perl", parent("Prefix", "/usr/bin/perl"), {
      ...{ by: "binary", op: "NotPrefix", values: ["/usr/bin/perl"] },
    }),
    asking("forked-by-perl", parent("Prefix", "/usr/bin/perl"), {
      ...{ by: "binary", op: "Prefix", values: ["/usr/bin/perl"] },
    }),
  ]);
  assert.deepEqual(await saw("sh", "-c", "nice; :"), ["by-dash"]);
  assert.deepEqual(await saw("sh", "-c", "exec nice"), ["by-dash"], "what it ran before");
  assert.deepEqual(await saw("sh", "-c", "exec nice nice"), ["by-dash", "not-by-dash"]);
  assert.deepEqual(await saw(`${folder}/one`, "nice"), ["by-one", "not-by-dash"]);
  assert.deepEqual(await saw("perl", "-e", "system('nice')"), ["by-perl", "not-by-dash"]);
  assert.deepEqual(
    await saw("perl", "-e", "if (fork) { wait } else { getpriority(0, 0) }"),
    ["forked-by-perl", "not-by-dash"],
    "who has executed nothing runs what made it",
  );
  const orphan = "exit if fork; sleep 1 while getppid != 1; exec 'nice'";
  assert.deepEqual(
    await saw("sh", "-c", `perl -e '${orphan}' | cat; :`),
    ["by-perl", "not-by-dash"],
    "though that has ended",
  );
});

test("an exec is decided by the program that begins, and by what made it, in a child too", async () => {
  const one = `${folder}/one`;
  const stopping = (...more: readonly Condition[]): NamedSet =>
    aSet("p", {
      ...{ on: { kind: "exec" }, args: [] },
      selectors: [
        {
          conditions: [{ by: "binary", op: "In", values: [one] }, ...more],
          actions: [{ action: "Sigkill" }],
        },
      ],
    });
  const bySh = () => run("sh", "-c", `${one} true; echo $?`);
  const byPerl = () => run("perl", "-e", `system("${one}", "true"); print $? & 127, "\n"`);
  const ended = (out: string) => ({ code: 0, signal: null, out });
  await kernel.program([stopping()]);
  assert.deepEqual([await bySh(), await byPerl()], ["137\n", "9\n"].map(ended));
  await kernel.program([stopping({ by: "parentBinary", op: "In", values: [dash] })]);
  assert.deepEqual([await bySh(), await byPerl()], ["137\n", "0\n"].map(ended));
});

test("what ran before process tracking did has its path, and its children have it", async () => {
  const perl = { op: "Postfix", values: ["/perl"] } as const;
  await kernel.program([
    asking("perl", { by: "binary", ...perl }),
    asking("by-perl", { by: "parentBinary", ...perl }),
    asking("by-others", { by: "parentBinary", op: "NotPostfix", values: ["/perl"] }),
  ]);
  const { hooks } = await events.during(async () => {
    early.stdin.write("\n");
    await once(early.stdout, "data");
  });
  early.stdin.end();
  assert.deepEqual(hooks.map(({ policy }) => policy.replace(/^tracingpolicy\./, "")).sort(), [
    "by-others",
    "by-perl",
    "perl",
    "perl",
  ]);
});
