import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { type Image, openImage } from "./image.ts";
import { eperm, listInForce } from "./list.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());
let image: Image;
beforeEach(async () => {
  image = await openImage();
});
afterEach(() => image.close());

const inForce = (rules: string, mode?: "monitor") => listInForce(kernel, image, rules, mode);

/** What `script` says in the container, line by line. */
async function said(script: string): Promise<readonly string[]> {
  const { out } = await image.sh(script);
  return out.trim().split("\n");
}

const survived = ["survived"];

test("what the list names runs, and nothing else does", async () => {
  await inForce("allow: [{ paths: [/bin/sh, /bin/attempt] }]");
  assert.deepEqual(await said("/bin/attempt hello"), survived);
  assert.deepEqual(await said("/bin/other hello; echo $?"), [eperm("/bin/other"), "126"]);
  const { hooks } = await kernel.events.during(async () => {
    assert.equal((await image.run("/bin/other", "hello")).code, 126);
  });
  assert.deepEqual(
    hooks.map(({ call, action, stopped, args }) => [
      call,
      action,
      stopped,
      "path" in args[0]! && args[0].path,
    ]),
    [["bprm_check_security", "Override", true, "/bin/other"]],
  );
});

test("an empty list lets nothing start, and the shell that runs already makes nothing run", async () => {
  await inForce("allow: []");
  assert.deepEqual(await image.run("/bin/sh", "-c", "echo never"), {
    code: 126,
    signal: null,
    out: "",
  });
});

test("Kill kills who asks, deny comes before allow, and Report only reports", async () => {
  await inForce(`
allow: [{ pathPrefixes: [/bin/] }]
deny:
- { paths: [/bin/attempt], action: Kill }
- { paths: [/bin/other] }
- { paths: [/bin/cat], action: Report }`);
  assert.deepEqual(await said("(/bin/attempt hello); echo $?"), ["Killed", "137"]);
  assert.deepEqual(await said("/bin/other hello; echo $?"), [eperm("/bin/other"), "126"]);
  const { hooks } = await kernel.events.during(async () => {
    assert.deepEqual(await said("echo x | /bin/cat"), ["x"]);
  });
  assert.deepEqual(
    hooks.map(({ call, action, stopped }) => [call, action, stopped]),
    [["bprm_check_security", "Post", false]],
  );
});

test("monitor mode and default Report say what would be stopped, and stop nothing", async () => {
  const rules = "allow: [{ paths: [/bin/sh] }]";
  for (const [mode, more, action] of [
    ["monitor", "", "Override"],
    [undefined, "\ndefault: Report", "Post"],
  ] as const) {
    await inForce(`${rules}${more}`, mode);
    const { hooks } = await kernel.events.during(async () => {
      assert.deepEqual(await said("/bin/attempt hello"), survived);
    });
    assert.deepEqual(
      hooks.map((hook) => [hook.action, hook.stopped]),
      [[action, false]],
    );
  }
});

test("patterns stand for text within a folder, or across folders", async () => {
  await inForce('allow: [{ paths: [/bin/sh, /bin/cp, /bin/mkdir], pathGlobs: ["/srv/*/bin/*"] }]');
  assert.deepEqual(await said("/srv/app/bin/run hello"), survived);
  const deeper = "/bin/mkdir -p /srv/a/b/bin; /bin/cp /srv/app/bin/run /srv/a/b/bin/run";
  const path = "/srv/a/b/bin/run";
  assert.deepEqual(await said(`${deeper}; ${path} hello`), [eperm(path)]);
  await inForce(
    'allow: [{ paths: [/bin/sh, /bin/cp, /bin/mkdir], pathGlobs: ["/srv/**/bin/*n"] }]',
  );
  assert.deepEqual(await said(`${deeper}; ${path} hello`), survived);
});

/** Ways to have something run under a list that names the image's own programs. */
const fromElsewhere: readonly (readonly [what: string, script: string, denied: string])[] = [
  ["a copy", "/bin/cp /bin/attempt /tmp/x; /tmp/x hello", "/tmp/x"],
  ["a copy on a volume", "/bin/cp /bin/attempt /volume/x; /volume/x hello", "/volume/x"],
  ["a file that was renamed", "/bin/mv /bin/attempt /bin/x; /bin/x hello", "/bin/x"],
  ["a hard link", "/bin/ln /bin/attempt /bin/x; /bin/x hello", "/bin/x"],
  [
    "a file with other permissions",
    "/bin/chmod 700 /bin/attempt; /bin/attempt hello",
    "/bin/attempt",
  ],
  ["a file changed in place", "echo >>/bin/attempt; /bin/attempt hello", "/bin/attempt"],
  [
    "a copy at the path of a file of the image",
    "/bin/cp /bin/attempt /tmp/x; /bin/mv /tmp/x /bin/other; /bin/other hello",
    "/bin/other",
  ],
  [
    "a copy that is mounted over a file of the image",
    "/bin/cp /bin/attempt /volume/x; /bin/mount -o bind /volume/x /bin/other; /bin/other hello",
    "/bin/other",
  ],
  [
    "a script that was written",
    "echo '#!/bin/attempt hello' >/tmp/x; /bin/chmod 755 /tmp/x; /tmp/x",
    "/tmp/x",
  ],
];
for (const [what, script, denied] of fromElsewhere) {
  test(`fromImage: ${what} does not run`, async () => {
    await inForce("allow: [{ fromImage: true }]");
    assert.deepEqual(await said(script), [eperm(denied)]);
  });
}

/** What the helper says of an exec that is denied. */
const refused = (path: string) => [`attempt: ${path}: Operation not permitted`];

const byHelper: readonly (readonly [what: string, script: string, denied: string])[] = [
  ["in memory", "/bin/attempt memory /bin/attempt hello", "fexecve"],
  [
    "without a name",
    "/bin/mkdir -p /tmp/bypass; /bin/attempt unlinked /bin/attempt hello",
    "fexecve",
  ],
  ["by a thread", "/bin/cp /bin/attempt /tmp/x; /bin/attempt thread /tmp/x hello", "/tmp/x"],
  [
    "when the first thread has ended",
    "/bin/cp /bin/attempt /tmp/x; /bin/attempt after-leader /tmp/x hello",
    "/tmp/x",
  ],
  ["by int 0x80", "/bin/cp /bin/attempt /tmp/x; /bin/attempt int80-run /tmp/x hello", "int $0x80"],
  [
    "in a chroot",
    "/bin/cp /bin/attempt /tmp/attempt; /bin/attempt chroot-run /tmp /attempt hello",
    "/attempt",
  ],
  [
    "in an image of one's own",
    "/bin/cp /bin/attempt /volume/attempt; /bin/attempt image-run /volume /attempt hello",
    "/attempt",
  ],
  [
    "in a cgroup of one's own",
    "/bin/cp /bin/attempt /tmp/x; /bin/mkdir /cgroup/guardbee-image/in; /bin/attempt cgroup-run /cgroup/guardbee-image/in /tmp/x hello",
    "/tmp/x",
  ],
];
for (const [what, script, denied] of byHelper) {
  test(`fromImage: a program ${what} does not run`, async () => {
    await inForce("allow: [{ fromImage: true }]");
    assert.deepEqual(await said(script), refused(denied));
  });
}

test("fromImage: programs of the image run, by a thread, in a chroot of it and by any name that leads to them", async () => {
  await inForce("allow: [{ fromImage: true }]");
  for (const script of [
    "/bin/attempt hello",
    "/srv/app/bin/run hello",
    "/bin/attempt thread /bin/other hello",
    "/bin/attempt chroot-run /srv /app/bin/run hello",
    "/proc/self/root/bin/attempt hello",
    "/bin/ln -s /bin/attempt /tmp/x; /tmp/x hello",
    "/bin/mkdir /tmp/b; /bin/mount -o bind /bin /tmp/b; /tmp/b/attempt hello",
  ]) {
    assert.deepEqual(await said(script), survived, script);
  }
});

test("fromImage: an overlay file system that a process mounted for itself is no image", async () => {
  await inForce("allow: [{ fromImage: true }]");
  const script =
    "/bin/mkdir -p /volume/l /volume/u /volume/w /volume/m; /bin/cp /bin/attempt /volume/l/attempt; /bin/attempt overlay-run /volume /attempt hello";
  assert.deepEqual(await said(script), refused("/attempt"));
});

test("users: by the id that the program will have, of a set-user-id file its owner's", async () => {
  await inForce(
    "allow: [{ paths: [/bin/sh, /bin/chmod, /bin/cp], users: [0] }, { paths: [/bin/attempt], users: [1000] }]",
  );
  assert.deepEqual(await said("/bin/attempt hello"), [eperm("/bin/attempt")]);
});

test("parents: by what the process runs that makes the exec; a container's first program has none", async () => {
  await inForce(
    "allow: [{ paths: [/bin/sh] }, { paths: [/bin/other], parents: [/bin/attempt] }, { paths: [/bin/attempt] }]",
  );
  assert.deepEqual(await said("/bin/other hello"), [eperm("/bin/other")]);
  assert.deepEqual(await said("/bin/attempt vfork /bin/other hello"), survived);
  assert.equal((await image.run("/bin/other", "hello")).code, 126);
});

test("of a script both are asked about, the script and its interpreter", async () => {
  const script = "echo '#!/bin/attempt hello' >/tmp/x; /bin/chmod 755 /tmp/x; /tmp/x";
  await inForce("allow: [{ paths: [/bin/sh, /bin/chmod, /tmp/x] }]");
  assert.deepEqual(await said(script), [eperm("/tmp/x")]);
  await inForce("allow: [{ paths: [/bin/sh, /bin/chmod, /bin/attempt] }]");
  assert.deepEqual(await said(script), [eperm("/tmp/x")]);
  await inForce("allow: [{ paths: [/bin/sh, /bin/chmod, /tmp/x, /bin/attempt] }]");
  assert.deepEqual(await said(script), survived);
});
