import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import type { Arg, Hook } from "@guardbee/policy";
import type { NamedSet } from "../engine.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, upstreamCase, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

async function program(sets: readonly NamedSet[]): Promise<void> {
  const states = await kernel.program(sets);
  assert.deepEqual(
    states.filter(({ state }) => state !== "programmed"),
    [],
  );
}

/** Each character at its place can be told from the others near it. */
const pattern = (length: number) =>
  Array.from({ length: Math.ceil(length / 8) }, (_, i) => `${i}`.padStart(7, "0").concat(" "))
    .join("")
    .slice(0, length);

writeFileSync("/tmp/pattern", pattern(400_000));

/** `parts`: a struct iovec of each of these texts. */
const perl = (code: string, ...parts: readonly string[]) =>
  sh(`perl -e '
    open(my $file, "<", "/tmp/pattern"); read($file, my $whole, 400000);
    my @parts = (${parts.join(", ")});
    my $parts = pack("(PQ)*", map { ($_, length $_) } @parts);
    open(my $null, ">", "/dev/null"); my $fd = fileno($null);
    ${code}
  '`);
const writev = "syscall(20, $fd, $parts, scalar @parts)";

/** What is reported meanwhile: the policy's name, and its first bytes with how many there were. */
async function reported(scene: () => unknown) {
  const { hooks } = await events.during(scene);
  return hooks.flatMap(({ policy, args }) =>
    args.flatMap((arg) =>
      "length" in arg
        ? [[policy.slice("tracingpolicy.".length), arg.bytes.toString(), arg.length] as const]
        : [],
    ),
  );
}

function on(call: string, arg: Arg, op?: string, ...values: readonly string[]): Hook {
  return {
    on: { kind: "kprobe", call, syscall: call.startsWith("sys_") },
    args: [{ index: 0, type: "int" }, arg],
    selectors: [when(...(op === undefined ? [] : [{ by: "arg", arg: 1, op, values } as never]))],
  };
}

const parts: Arg = { index: 1, type: "char_iovec", sizeArgIndex: 3 };

test("upstream's policy reports what is written to a terminal, the whole of it", async () => {
  await program([upstreamCase("tty")]);
  const { hooks } = await events.during(() =>
    perl(`
      use Fcntl; sysopen(my $tty, "/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY) or die;
      syswrite($tty, "hello\\n"); syswrite($tty, $whole, 60000);
    `),
  );
  const seen = hooks.flatMap(({ call, args: [file, bytes] }) =>
    file !== undefined && "path" in file && bytes !== undefined && "length" in bytes
      ? [{ call, path: file.path, bytes: bytes.bytes.toString(), length: bytes.length }]
      : [],
  );
  const [hello, whole] = seen;
  assert.deepEqual(hello, { call: "tty_write", path: "/dev/ptmx", bytes: "hello\n", length: 6 });
  assert.equal(whole!.bytes, pattern(60_000));
});

test("a buffer with maxData is in its event up to 327,360 bytes, another up to 4,095", async () => {
  const buffer: Arg = { index: 1, type: "char_buf", sizeArgIndex: 3 };
  const begins = ["Prefix", "0000000 "] as const;
  await program([
    aSet("short", on("sys_write", buffer, ...begins)),
    aSet("whole", on("sys_write", { ...buffer, maxData: true }, ...begins)),
  ]);
  const write = (length: number) => `syswrite($null, substr($whole, 0, ${length}), ${length});`;
  const lengths = [4095, 4096, 10_000, 327_360, 327_361, 400_000];
  const seen = await reported(() => perl(lengths.map(write).join(" ")));
  for (const [name, most] of [
    ["short", 4095],
    ["whole", 327_360],
  ] as const) {
    assert.deepEqual(
      seen.filter(([policy]) => policy === name).map(([, bytes, length]) => [bytes, length]),
      lengths.map((length) => [pattern(Math.min(length, most)), length]),
    );
  }
});

test("what is written in parts is compared and reported as one text", async () => {
  await program([
    aSet("equal", on("sys_writev", parts, "Equal", "secret text")),
    aSet("ends", on("sys_writev", parts, "Postfix", "ret text")),
    aSet("whole", on("sys_writev", { ...parts, maxData: true }, "Prefix", "secret")),
  ]);
  const seen = await reported(async () => {
    await perl(writev, '"sec"', '""', '"ret "', '"text"');
    await perl(writev, '"secret texts"');
    await perl(writev, '"sec"', "$whole");
    await perl(writev, '"secret"', "$whole", '"end"');
    await perl(writev, ...Array.from("secret text", (one) => `"${one}"`));
  });
  const text = ["secret text", 11];
  assert.deepEqual(seen, [
    ...["ends", "equal", "whole"].map((policy) => [policy, ...text]),
    ["whole", "secret texts", 12],
    ["whole", `secret${pattern(327_354)}`, 400_009],
    ...["ends", "equal", "whole"].map((policy) => [policy, ...text]),
  ]);
});

test("parts without bytes hide nothing that comes behind them", async () => {
  await program([aSet("begins", on("sys_writev", parts, "Prefix", "secret"))]);
  const seen = await reported(() =>
    perl(
      `my $many = pack("(PQ)*", (("", 0)) x 1000, map { ($_, length $_) } @parts);
      syscall(20, $fd, $many, 1000 + @parts)`,
      '"sec"',
      '"ret"',
    ),
  );
  assert.deepEqual(seen, [["begins", "secret", 6]]);
});

test("what is read into parts is reported when the call returns, as much as was read", async () => {
  await program([aSet("read", on("sys_readv", { ...parts, returnCopy: true }))]);
  const seen = await reported(() =>
    perl(
      'open(my $from, "<", "/tmp/pattern"); syscall(19, fileno($from), $parts, 2);',
      '"x" x 5',
      '"y" x 12',
    ),
  );
  assert.deepEqual(seen.at(-1), ["read", pattern(17), 17]);
});
