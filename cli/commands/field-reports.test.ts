import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

const cwd = fileURLToPath(new URL("../../policy/testdata/field/", import.meta.url));

/** The lines that it prints. */
async function checked(file: string): Promise<readonly string[]> {
  const { io, out } = anIo({ cwd, env: {} });
  await runCli(["policy", "check", file], io);
  return out().split("\n");
}

/** Exit code, and problems and warnings without the file's name. */
async function check(file: string, ...flags: readonly string[]) {
  const { io, out } = anIo({ cwd, env: {} });
  const code = await runCli(["policy", "check", ...flags, `${file}.yaml`], io);
  const lines = out()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("note: "))
    .map((line) => line.replace(`${file}.yaml:`, ""));
  return { code, lines };
}

const at = "spec.kprobes[0].selectors[0].matchArgs[0].values";
const normal = "write the path that it leads to: the kernel compares paths without . .. and //";

/** What people reported of this tool and others, and what must come out. */
const reports: readonly {
  readonly file: string;
  readonly symptom: string;
  readonly want: readonly string[];
  readonly code: number;
  readonly strict: number;
}[] = [
  {
    file: "01-follow-forks-in-namespace",
    symptom: "followForks is taken with isNamespacePID, and engine.guest.test.ts shows its effect",
    want: [" TracingPolicy no-exec-into-web: ok (1 hook)"],
    ...{ code: 0, strict: 0 },
  },
  {
    file: "03-norway",
    symptom: "no and on are booleans, as for kubectl",
    want: [
      '19: spec.podSelector.matchLabels[country]: is the boolean false, written no; quote it: "no"',
      '20: spec.podSelector.matchLabels[debug]: is the boolean true, written on; quote it: "on"',
      " TracingPolicy norway: invalid (2 problems)",
    ],
    ...{ code: 1, strict: 1 },
  },
  {
    file: "04-octal",
    symptom: "011 is 9, as for kubectl",
    want: [" TracingPolicy octal: ok (1 hook)"],
    ...{ code: 0, strict: 0 },
  },
  {
    file: "05-quote-advice",
    symptom: "the advice repeats what was written",
    want: [
      `12: ${at}[0]: is the number 18446744073709551615; quote it: "18446744073709551615"`,
      `12: ${at}[1]: is the number 73, written 0111; quote it: "0111"`,
      `12: ${at}[2]: is the number 9007199254740993; quote it: "9007199254740993"`,
      " TracingPolicy quote: invalid (3 problems)",
    ],
    ...{ code: 1, strict: 1 },
  },
  {
    file: "06-null-selector",
    symptom: "an empty selector is refused, and what it would do is said",
    want: [
      "17: spec.podSelector: is empty: without it, the policy holds in every pod; give it a value, or leave it out if that is meant",
      " TracingPolicy null-selector: invalid (1 problem)",
    ],
    ...{ code: 1, strict: 1 },
  },
  {
    file: "08-utf16",
    symptom: "UTF-16 with a byte order mark is read, as by kubectl",
    want: [" TracingPolicy powershell: ok (1 hook)"],
    ...{ code: 0, strict: 0 },
  },
  {
    file: "10-kustomize-namespace",
    symptom: "a namespace on a cluster kind is ignored, as by the API server, and told",
    want: [
      " TracingPolicy with-namespace: ok (1 hook)",
      'warning: 4: metadata.namespace: is "security", and is ignored; remove it, or use the Namespaced kind: this kind holds for the whole cluster',
    ],
    ...{ code: 0, strict: 1 },
  },
  {
    file: "12-odd-paths",
    symptom: "values that can match nothing are told",
    want: [
      " TracingPolicy paths: ok (1 hook)",
      `warning: 14: ${at}[0]: is "srv/ledger", which is relative and matches nothing; write the path from / on`,
      `warning: 14: ${at}[1]: is "/etc/*", which is compared as it is: there are no wildcards; write the path itself, or operator Prefix with what stands before it`,
      `warning: 14: ${at}[2]: is "/etc/../etc/shadow", which is not a normal path; ${normal}`,
      `warning: 14: ${at}[3]: is "/etc//passwd", which is not a normal path; ${normal}`,
      `warning: 14: ${at}[4]: is "/etc/passwd ", with a blank at its end; remove the blank`,
      `warning: 14: ${at}[5]: is "~/.ssh", which no shell expands here; write the path itself`,
      `warning: 14: ${at}[6]: is "$HOME/x", which no shell expands here; write the path itself`,
    ],
    ...{ code: 0, strict: 1 },
  },
  {
    file: "18-int80",
    symptom: "hooks on system calls are taken as they are, with nothing to note",
    want: [" TracingPolicy no-write: ok (1 hook)"],
    ...{ code: 0, strict: 0 },
  },
];
for (const { file, symptom, want, code, strict } of reports) {
  test(`${file}: ${symptom}`, async () => {
    assert.deepEqual(await check(file), { code, lines: want });
    assert.equal((await check(file, "--strict")).code, strict);
  });
}

test("18-int80: calls that 32-bit processes have another way to are noted, others are not", async () => {
  const seen =
    "its hooks on system calls do not see 32-bit ones (int 0x80) made by socketcall, where a node's kernel takes those";
  const note = `note: ../int80-socketcall.yaml:1: ${seen}; hooks on security_ functions do`;
  assert.ok((await checked("../int80-socketcall.yaml")).includes(note));
  assert.doesNotMatch((await checked("18-int80.yaml")).join("\n"), /int 0x80/);
  const example = "../../../config/examples/exec-policy-example.yaml";
  assert.doesNotMatch((await checked(example)).join("\n"), /int 0x80/);
});
