import assert from "node:assert/strict";
import { after, afterEach, beforeEach, test } from "node:test";
import { openGuestKernel } from "../../../agent/kernel/testing/guest-kernel.ts";
import { sh } from "../../../agent/kernel/testing/scene.ts";
import { type Image, openImage } from "./image.ts";
import { eperm, listInForce } from "./list.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

/** Programs of the image that begin with #!, but for one that has no such line. */
const scripts = {
  "/srv/ash": "#!/bin/ash\necho survived\n",
  "/srv/of-script": "#!/srv/other\n",
  "/srv/other": "#!/bin/other hello\n",
  "/srv/cat": "#!/bin/cat\n",
  "/srv/env": "#!/bin/env -S /bin/ash -c 'echo survived'\n",
  "/srv/text": "echo survived\n",
};
let image: Image;
beforeEach(async () => {
  image = await openImage(scripts);
});
afterEach(() => image.close());
const inForce = (rules: string, mode?: "monitor") => listInForce(kernel, image, rules, mode);

/** What `script` says in the container. */
const said = async (script: string) => (await image.sh(script)).out.trim();

/** A shell for the attempts, and two interpreters for scripts of the image alone. */
const list = `
allow:
- { paths: [/bin/sh, /bin/cp, /bin/mv, /bin/ln, /bin/chmod] }
- { interpreters: [/bin/ash, /bin/other], scripts: fromImage }`;

test("an interpreter runs for scripts of the image, also for one whose interpreter is a script", async () => {
  await inForce(list);
  assert.equal(await said("/srv/ash"), "survived");
  assert.equal(await said("/srv/other"), "survived");
  assert.equal(await said("/srv/of-script"), "survived");
  assert.equal(await said("/bin/ln -s /srv/ash /tmp/x; /tmp/x"), "survived", "a link to one");
});

const denied: readonly (readonly [what: string, script: string, path: string])[] = [
  ["an interpreter alone", "/bin/ash </srv/text", "/bin/ash"],
  ["an interpreter with -c", "/bin/ash -c 'echo survived'", "/bin/ash"],
  ["an interpreter that is given a script of the image", "/bin/ash /srv/ash", "/bin/ash"],
  ["an interpreter by a link", "/bin/ln -s /bin/ash /tmp/x; /tmp/x -c 'echo survived'", "/tmp/x"],
  ["a script of the image with an interpreter that is not listed", "/srv/cat", "/srv/cat"],
  ["env -S in a script's first line, which is not listed", "/srv/env", "/srv/env"],
  ["a program of the image that is no script", "/bin/rm /srv/ash", "/bin/rm"],
  [
    "a script that was written",
    "echo '#!/bin/ash' >/tmp/x; /bin/chmod 755 /tmp/x; /tmp/x",
    "/tmp/x",
  ],
  ["a script of the image that was changed", "echo 'echo more' >>/srv/ash; /srv/ash", "/srv/ash"],
  ["a copy of a script", "/bin/cp /srv/ash /tmp/x; /tmp/x", "/tmp/x"],
  ["a script that was renamed, which copies it", "/bin/mv /srv/ash /srv/x; /srv/x", "/srv/x"],
  ["a hard link to a script, which copies it", "/bin/ln /srv/ash /srv/x; /srv/x", "/srv/x"],
  [
    "a copy of an interpreter for a script of the image",
    "/bin/cp /bin/ash /tmp/x; /bin/ln -s /srv/ash /tmp/y; /tmp/x /tmp/y",
    "/tmp/x",
  ],
];
for (const [what, script, path] of denied) {
  test(`${what} does not run`, async () => {
    await inForce(list);
    assert.equal(await said(script), eperm(path));
  });
}

test("a text without a first line that names its interpreter is no script", async () => {
  await inForce(list);
  assert.equal(await said("/srv/text"), eperm("/srv/text"));
});

test("an interpreter is denied where the list that denies names it, and runs alone", async () => {
  await inForce("deny: [{ interpreters: [/bin/ash] }]");
  assert.equal(await said("/bin/ash -c 'echo survived'"), "survived");
  assert.equal(await said("/srv/ash"), eperm("/srv/ash"));
  await inForce("deny: [{ scripts: any, fromImage: false }]");
  assert.equal(await said("/srv/ash"), "survived");
  assert.equal(await said("/bin/cp /srv/ash /tmp/x; /tmp/x"), eperm("/tmp/x"));
  assert.equal(await said("/bin/cp /bin/attempt /tmp/x; /tmp/x hello"), "survived");
});

test("what runs for a script is reported by the interpreter's path", async () => {
  await inForce(list, "monitor");
  const { hooks } = await kernel.events.during(async () => {
    assert.equal(await said("/srv/cat"), "#!/bin/cat");
  });
  assert.deepEqual(
    hooks.map(({ args }) => "path" in args[0]! && args[0].path),
    ["/bin/cat"],
  );
});

const misc = "/proc/sys/fs/binfmt_misc";
const has = await sh(`modprobe binfmt_misc; mount -t binfmt_misc none ${misc}`);

test("what binfmt_misc runs for a file is an interpreter, and the file is no script", {
  skip: has.code !== 0 && "this kernel has no binfmt_misc",
}, async () => {
  await sh(`echo ':guardbee:M::echo survived::/bin/ash:' >${misc}/register`);
  try {
    await inForce(list);
    assert.equal(await said("/srv/text"), eperm("/srv/text"));
    await inForce(`${list}\n- { paths: [/srv/text] }`);
    assert.equal(await said("/srv/text"), "survived");
    await inForce("allow: [{ paths: [/bin/sh, /srv/text] }]");
    assert.equal(await said("/srv/text"), eperm("/srv/text"));
  } finally {
    await sh(`echo -1 >${misc}/guardbee`);
  }
});
