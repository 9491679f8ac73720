import assert from "node:assert/strict";
import { test } from "node:test";

import { findOwnPodUid, podUidIn } from "./own-pod.ts";

const UID = "0a1b2c3d-1111-2222-3333-444455556666";

test("POD_UID says which pod is the agent's own", async () => {
  assert.equal(await findOwnPodUid({ POD_UID: UID }, "/none"), UID);
  assert.equal(await findOwnPodUid({}, "/none"), undefined);
});

const rows = [
  { name: "cgroupfs", file: `0::/kubepods/besteffort/pod${UID}/${"a".repeat(64)}\n`, want: UID },
  {
    name: "systemd",
    file: `1:name=systemd:/x\n0::/kubepods.slice/kubepods-pod${UID.replaceAll("-", "_")}.slice/x.scope\n`,
    want: UID,
  },
  { name: "its own namespace", file: "0::/\n", want: undefined },
  { name: "no pod", file: "0::/system.slice/guardbee.service\n", want: undefined },
];
for (const { name, file, want } of rows) {
  test(`podUidIn a cgroup path of ${name}`, () => assert.equal(podUidIn(file), want));
}
