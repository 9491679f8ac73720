import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  globSync,
  openSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { after, afterEach, beforeEach, test } from "node:test";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { policyIn } from "../../../agent/kernel/testing/policies.ts";
import { run, sh } from "../../../agent/kernel/testing/scene.ts";
import { fileHashOf } from "../../../agent/records/file-hash.ts";
import { type Image, imageRoot, openImage } from "./image.ts";
import { eperm, listInForce, listOf, setsInForce } from "./list.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

const modules = readFileSync("/sys/kernel/security/lsm", "utf8").split(",");
const measures = (await sh("grep -q ' ima_file_hash$' /proc/kallsyms")).code === 0;
const skip =
  (!modules.includes("bpf") && "BPF is none of this kernel's security modules") ||
  (!measures && "this kernel measures no files");

const script = "#!/bin/other hello\n";
let image: Image;
/** Digest of the helper, which is three programs of the image. */
let attempt: string;
beforeEach(async () => {
  if (skip !== false) return;
  image = await openImage({ "/srv/script": script }, { disk: true });
  attempt = digestOf(readFileSync(`${imageRoot}/bin/attempt`));
});
afterEach(() => {
  if (skip === false) image.close();
});

function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

const inForce = (rules: string, mode?: "monitor") => listInForce(kernel, image, rules, mode);
/** What `script` says in the container. */
const said = async (text: string) => (await image.sh(text)).out.trim();

const busy = (path: string) => `/bin/sh: ${path}: Text file busy`;

const tools = "[/bin/sh, /bin/cp, /bin/mv, /bin/ln, /bin/rm, /bin/chmod, /bin/mount]";
const listed = () => `
allow:
- { paths: ${tools} }
- { digests: ["${attempt}"] }`;

test("what has the digest runs under any name", { skip }, async () => {
  await inForce(listed());
  for (const text of [
    "/bin/attempt hello",
    "/srv/app/bin/run hello",
    "/bin/ln -s /bin/attempt /tmp/symbolic; /tmp/symbolic hello",
    "/bin/ln /bin/attempt /tmp/hard; /tmp/hard hello",
    "/bin/cp /bin/attempt /tmp/copy; /tmp/copy hello",
    "/bin/mv /tmp/copy /tmp/moved; /tmp/moved hello",
    "/bin/chmod 700 /bin/attempt; /bin/attempt hello",
    "/bin/attempt thread /bin/other hello",
    "/bin/attempt vfork /bin/other hello",
    "/bin/attempt after-leader /bin/other hello",
    "/bin/attempt int80-run /bin/other hello",
  ]) {
    assert.equal(await said(text), "survived", text);
  }
  assert.equal((await image.run("/bin/attempt", "hello")).out.trim(), "survived", "from the start");
});

const denied: readonly (readonly [what: string, script: string, path: string])[] = [
  ["another program of the image", "/bin/cat /srv/script", "/bin/cat"],
  ["a file that was changed", "echo >>/bin/attempt; /bin/attempt hello", "/bin/attempt"],
  ["another file of that name", "/bin/cp /bin/cat /bin/attempt; /bin/attempt", "/bin/attempt"],
  [
    "a file that is mounted over it",
    "/bin/mount -o bind /bin/cat /bin/attempt; /bin/attempt",
    "/bin/attempt",
  ],
  [
    "a copy in memory, which others may still write to",
    "/bin/cp /bin/attempt /volume/x; /volume/x hello",
    "/volume/x",
  ],
  ["a script that is not listed, with an interpreter that is", "/srv/script", "/srv/script"],
];
for (const [what, text, path] of denied) {
  test(`${what} does not run`, { skip }, async () => {
    await inForce(listed());
    assert.equal(await said(text), eperm(path));
  });
}

test("a memfd has no digest, a file that was deleted has", { skip }, async () => {
  await inForce(listed());
  assert.equal(
    await said("/bin/attempt memory /bin/attempt hello"),
    "attempt: fexecve: Operation not permitted",
  );
  const prepared = "/bin/mkdir -p /tmp/bypass";
  await inForce(`${listed()}\n- { paths: [/bin/mkdir] }`);
  assert.equal(await said(`${prepared}; /bin/attempt unlinked /bin/attempt hello`), "survived");
});

test("of a script both are asked about, each by its own digest", { skip }, async () => {
  await inForce(`${listed()}\n- { digests: ["${digestOf(script)}"] }`);
  assert.equal(await said("/srv/script"), "survived");
  assert.equal(await said("echo >>/srv/script; /srv/script"), eperm("/srv/script"));
  await inForce(`allow: [{ paths: [/bin/sh] }, { digests: ["${digestOf(script)}"] }]`);
  assert.equal(await said("/srv/script"), eperm("/srv/script"), "the interpreter is not listed");
});

test("a file that is changed and changed back runs again", { skip }, async () => {
  await inForce(listed());
  const [kept, changed] = ["/bin/cp /bin/attempt /tmp/kept", "echo >>/bin/attempt"];
  assert.equal(
    await said(
      `${kept}; ${changed}; /bin/attempt hello; /bin/cp /tmp/kept /bin/attempt; /bin/attempt hello`,
    ),
    `${eperm("/bin/attempt")}\nsurvived`,
  );
});

test("who has the file open or mapped for writing keeps it from running", { skip }, async () => {
  await inForce(listed());
  const file = `${imageRoot}/tmp/x`;
  copyFileSync(`${imageRoot}/bin/attempt`, file);
  const open = openSync(file, "r+");
  try {
    assert.equal(await said("/tmp/x hello"), busy("/tmp/x"));
  } finally {
    closeSync(open);
  }
  const map = `import mmap, sys
with open("${file}", "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0)
print("mapped", flush=True)
mapped[len(mapped) - 1] ^= 0
sys.stdin.read()
mapped[len(mapped) - 1] ^= 1
mapped.close()
`;
  writeFileSync("/tmp/map.py", map);
  assert.equal(await said("/tmp/x hello"), "survived");
  await sh("rm -f /tmp/go; mkfifo /tmp/go");
  const mapping = run("/bin/sh", "-c", "python3 /tmp/map.py </tmp/go");
  const go = openSync("/tmp/go", "w");
  for (let i = 0; i < 100; i++) {
    const maps = await sh(`grep -l ${file} /proc/[0-9]*/maps 2>/dev/null`);
    if (maps.out !== "") break;
  }
  assert.equal(await said("/tmp/x hello"), busy("/tmp/x"));
  closeSync(go);
  assert.equal((await mapping).code, 0);
  assert.equal(await said("/tmp/x hello"), eperm("/tmp/x"));
});

test("while a file is written again and again, only the content that is listed runs", {
  skip,
}, async () => {
  await inForce(listed());
  const [file, enough] = [`${imageRoot}/tmp/x`, `${imageRoot}/tmp/enough`];
  copyFileSync(`${imageRoot}/bin/attempt`, file);
  // What runs says itself of which content it is; by write and by a mapping, closed in between.
  writeFileSync(
    "/tmp/writer.py",
    `import mmap, os
at = open("${file}", "rb").read().index(b"survived")
i = written = 0
while written < 250:
    i += 1
    try:
        with open("${file}", "r+b") as file:
            if i & 2:
                file.seek(at)
                file.write(b"S" if i & 1 else b"s")
            else:
                with mmap.mmap(file.fileno(), 0) as mapped:
                    mapped[at:at + 1] = b"S" if i & 1 else b"s"
        written += 1
    except OSError as error:
        if error.errno != 26: raise # it runs, or is about to
    for _ in range(i * 7919 % 20011): pass
open("${enough}", "w").close()
`,
  );
  const writing = run("python3", "/tmp/writer.py");
  const lines = await said("while [ ! -e /tmp/enough ]; do /tmp/x hello; done");
  assert.equal((await writing).code, 0);
  const seen = new Set(lines.split("\n"));
  const kinds = ["survived", eperm("/tmp/x"), busy("/tmp/x")];
  assert.deepEqual(seen, new Set(kinds), [...seen].join());
});

test("many that run at once all run", { skip }, async () => {
  await inForce(listed());
  const script = "for i in 1 2 3 4 5 6 7 8; do /bin/attempt hello & done; wait";
  for (let round = 0; round < 5; round++) {
    assert.equal(await said(script), Array(8).fill("survived").join("\n"));
  }
});

test("deny: what has the digest runs under no name, nor does what has none", { skip }, async () => {
  const rules = `deny: [{ digests: ["${attempt}"] }]`;
  await inForce(rules);
  const [copy, other] = ["/bin/cp /bin/attempt /tmp/x; /tmp/x hello", "/bin/cat /srv/script"];
  const inMemory = "/bin/cp /bin/cat /volume/cat; /volume/cat /srv/script";
  assert.equal(await said("/bin/attempt hello"), eperm("/bin/attempt"));
  assert.equal(await said(copy), eperm("/tmp/x"));
  assert.equal(await said(other), script.trim());
  assert.equal(await said(inMemory), eperm("/volume/cat"));
  await inForce(`${rules}\nunknownDigest: Report`);
  assert.equal(await said(copy), eperm("/tmp/x"));
  const { hooks } = await kernel.events.during(async () => {
    assert.equal(await said(inMemory), script.trim());
  });
  assert.deepEqual(
    hooks.map(({ action, stopped, args }) => [action, stopped, "path" in args[0]! && args[0].path]),
    [["Post", false, "/volume/cat"]],
  );
});

test("unknownDigest: Report has what allow names run, and says so", { skip }, async () => {
  await inForce(`${listed()}\nunknownDigest: Report`);
  const { hooks } = await kernel.events.during(async () => {
    assert.equal(await said("/bin/cp /bin/attempt /volume/x; /volume/x hello"), "survived");
    assert.equal(await said("/bin/cat /srv/script"), eperm("/bin/cat"));
  });
  assert.deepEqual(
    hooks.map(({ action, stopped }) => [action, stopped]),
    [
      ["Post", false],
      ["Override", true],
    ],
  );
});

test("where as many files are hashed as may be, one more has no digest, and is counted", {
  skip,
}, async () => {
  const count = () => kernel.engine.losses().hash_full;
  await inForce(listed());
  let before = count();
  await kernel.withoutRoomToHash(async () => {
    assert.equal(await said("/bin/attempt hello"), eperm("/bin/attempt"));
    assert.equal(count() - before, 1n);
    assert.equal(await said("/bin/cp /srv/script /tmp/x"), "");
    assert.equal(count() - before, 1n, "what no digest decides");
    await inForce(`${listed()}\nunknownDigest: Report`);
    assert.equal(await said("/bin/attempt hello"), "survived");
    assert.equal(count() - before, 2n);
  });
  before = count();
  assert.equal(
    await said("/bin/attempt hello; /bin/cat /srv/script"),
    `survived\n${eperm("/bin/cat")}`,
  );
  assert.equal(count(), before);
});

const hashes = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: hashes }
spec:
  lsmhooks:
  - hook: bprm_check_security
    args: [{ index: 0, type: linux_binprm }]
    selectors:
    - matchArgs: [{ index: 0, operator: Postfix, values: [/x] }]
      matchActions: [{ action: Post, imaHash: true }]
`);

test("an event has the hash of a file with a digest and of one without, whatever is decided by it", {
  skip,
}, async () => {
  const [inMemory, onDisk] = ["/volume/x", "/tmp/x"];
  const report = "\nunknownDigest: Report";
  const runs: readonly (readonly [path: string, rules: string, want: string])[] = [
    [inMemory, listed(), eperm(inMemory)],
    [inMemory, `${listed()}${report}`, "survived"],
    [onDisk, listed(), "survived"],
    [onDisk, listed().replace(attempt, digestOf("other")), eperm(onDisk)],
    [inMemory, `allow: [{ paths: [/x] }, { pathPrefixes: [/] }]`, "survived"],
  ];
  for (const [path, rules, want] of runs) {
    await setsInForce(kernel, image, [listOf(rules), hashes]);
    const seen = await kernel.events.during(async () => {
      assert.equal(await said(`/bin/cp /bin/attempt ${path}; ${path} hello`), want);
    });
    const records = seen.events.filter((one) => one.kind === "hook");
    const its = records.filter((_, i) => seen.hooks[i]!.policy === hashes.name).map(fileHashOf);
    assert.deepEqual(its, [attempt], `${path} ${want}`);
    assert.equal(kernel.waiting(), 0);
  }
});

test("monitor mode says what would be stopped, and stops nothing", { skip }, async () => {
  await inForce(listed(), "monitor");
  const { hooks } = await kernel.events.during(async () => {
    assert.equal(await said("/bin/attempt hello"), "survived");
    assert.equal(await said("/bin/cat /srv/script"), script.trim());
  });
  assert.deepEqual(
    hooks.map(({ action, stopped, args }) => [action, stopped, "path" in args[0]! && args[0].path]),
    [["Override", false, "/bin/cat"]],
  );
});

/** A program that is hashed for a second or more. */
function makeLarge(): void {
  copyFileSync(`${imageRoot}/bin/attempt`, `${imageRoot}/tmp/large`);
  truncateSync(`${imageRoot}/tmp/large`, 100 << 20);
}

test("what is denied stays denied while lists with digests come and go", { skip }, async () => {
  await inForce(listed());
  makeLarge();
  const runs = ["/bin/cat /srv/script", "/tmp/large hello"].map((command) =>
    image.sh(`while [ ! -e /tmp/enough ]; do ${command}; done`),
  );
  for (let i = 0; i < 20; i++) {
    await inForce(i % 2 === 0 ? `allow: [{ paths: ${tools} }]` : listed());
  }
  writeFileSync(`${imageRoot}/tmp/enough`, "");
  for (const { out } of await Promise.all(runs)) {
    const lines = out.trim().split("\n");
    assert.deepEqual(
      lines.filter((line) => !refusal.test(line)),
      [],
    );
  }
});

/** What the shell says: an exec is decided before or behind a change, or it is not and may not run either. */
const refusal = /^\/bin\/sh: \S+: (Operation not permitted|Resource temporarily unavailable)$/;
const changes: readonly (readonly [to: string, rules: () => string])[] = [
  ["one without digests", () => `allow: [{ paths: ${tools} }]`],
  ["one by other things", () => `${listed()}\n- { pathPrefixes: [/x/], users: [7] }`],
  ["another by digests", () => listed().replace(attempt, digestOf("other"))],
];
for (const [to, rules] of changes) {
  test(`a list that is changed to ${to} while a file is hashed lets nothing run, and breaks nothing`, {
    skip,
  }, async () => {
    makeLarge();
    for (let i = 0; i < 3; i++) {
      await inForce(listed());
      let has = false;
      const runs = said("/tmp/large hello").finally(() => {
        has = true;
      });
      while (kernel.hashing() === 0 && !has) await new Promise(setImmediate);
      await inForce(rules());
      assert.match(await runs, refusal);
    }
    const retired = () => readdirSync(globSync(`${kernel.bpffs}/*/retired`)[0]!).length;
    while (retired() > 0) await kernel.engine.check(); // a few seconds
  });
}

test("where the kernel has no digests the policy is refused, and why is said", {
  skip: skip === false && "it has",
}, async () => {
  const set = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: list }
spec:
  podSelector: {}
  rules: { allow: [{ digests: ["${digestOf("x")}"] }] }
`);
  const [state] = await kernel.program([set]);
  assert.ok(state!.state === "failed", JSON.stringify(state));
  assert.equal(state!.reason, "KernelLacks");
  assert.match(state!.message, measures ? /lsm=.* digests need that/ : /CONFIG_IMA/);
});
