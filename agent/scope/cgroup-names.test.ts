import assert from "node:assert/strict";
import { test } from "node:test";

import {
  isPodRoot,
  isQosFolder,
  parseContainerFolder,
  parsePodFolder,
  podFolderCandidates,
} from "./cgroup-names.ts";

const UID = "0a1b2c3d-1111-2222-3333-444455556666";
const UNDERSCORED = UID.replaceAll("-", "_");
const HASH = "00112233445566778899aabbccddeeff";
const ID = "c".repeat(64);

const podFolders: readonly { name: string; want: string | undefined }[] = [
  { name: `pod${UID}`, want: UID },
  { name: `kubepods-besteffort-pod${UNDERSCORED}.slice`, want: UID },
  { name: `kubepods-pod${UNDERSCORED}.slice`, want: UID },
  { name: `kubelet-kubepods-burstable-pod${UNDERSCORED}.slice`, want: UID },
  { name: `kubepods-burstable-pod${HASH}.slice`, want: HASH },
  { name: `pod${HASH}`, want: HASH },
  { name: "besteffort", want: undefined },
  { name: "kubepods-besteffort.slice", want: undefined },
  { name: "podman.service", want: undefined },
];
for (const { name, want } of podFolders) {
  test(`parsePodFolder reads ${name}`, () => assert.equal(parsePodFolder(name), want));
}

const containerFolders: readonly { name: string; want: string | undefined }[] = [
  { name: ID, want: ID },
  { name: `cri-containerd-${ID}.scope`, want: ID },
  { name: `crio-${ID}.scope`, want: ID },
  { name: `docker-${ID}.scope`, want: ID },
  { name: `crio-conmon-${ID}.scope`, want: undefined },
  { name: "init.scope", want: undefined },
];
for (const { name, want } of containerFolders) {
  test(`parseContainerFolder reads ${name}`, () => assert.equal(parseContainerFolder(name), want));
}

test("pod roots are known with both drivers and below any kubelet cgroup root", () => {
  const names = [
    "kubepods",
    "kubepods.slice",
    "kubelet-kubepods.slice",
    "system.slice",
    "kubepodsx",
  ];
  assert.deepEqual(names.map(isPodRoot), [true, true, true, false, false]);
});

test("QoS folders carry the root's name with the systemd driver", () => {
  assert.equal(isQosFolder("kubepods", "burstable"), true);
  assert.equal(isQosFolder("kubelet-kubepods.slice", "kubelet-kubepods-besteffort.slice"), true);
  assert.equal(isQosFolder("kubelet-kubepods.slice", "kubepods-besteffort.slice"), false);
});

test("podFolderCandidates are the three QoS places of a pod", () => {
  assert.deepEqual(podFolderCandidates("kubepods", UID), [
    `pod${UID}`,
    `burstable/pod${UID}`,
    `besteffort/pod${UID}`,
  ]);
  assert.deepEqual(podFolderCandidates("kubepods.slice", UID), [
    `kubepods-pod${UNDERSCORED}.slice`,
    `kubepods-burstable.slice/kubepods-burstable-pod${UNDERSCORED}.slice`,
    `kubepods-besteffort.slice/kubepods-besteffort-pod${UNDERSCORED}.slice`,
  ]);
});
