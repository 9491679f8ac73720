import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { loadNative } from "./native.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn } from "./testing/policies.ts";
import { run, sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
const native = loadNative();
after(() => kernel.close());
assert.equal((await sh("ip link set lo up")).code, 0);

const policy = (name: string, call: string, rest: string) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  kprobes:
  - call: ${call}
    syscall: false
    args: [{ index: 0, type: sock }]
    ${rest}
`);

const onSend = (action: string) =>
  policy("send", "tcp_sendmsg", `selectors: [{ matchActions: [${action}] }]`);
const post = onSend("{ action: Post }");
const onConnect = policy(
  "connect",
  "tcp_connect",
  "selectors: [{ matchActions: [{ action: TrackSock, argSock: 0 }, { action: NoPost }] }]",
);
const onAccept = policy(
  "accept",
  "inet_csk_accept",
  `return: true
    returnArg: { index: 0, type: sock }
    returnArgAction: TrackSock`,
);

/** Accepts its own connection, and has two children write to one end each: whose events are they? */
const script = `
  const { spawnSync } = require("child_process");
  const write = (socket) => {
    const { pid } = spawnSync("/bin/echo", ["text"], { stdio: ["ignore", socket._handle.fd, "ignore"] });
    return pid;
  };
  const server = require("net").createServer((accepted) => {
    console.log(JSON.stringify({ own: process.pid, ofAccepted: write(accepted), ofConnected: write(client) }));
    process.exit();
  });
  let client;
  server.listen(0, "127.0.0.1", () => {
    client = require("net").connect(server.address().port, "127.0.0.1");
  });
`;

/** The pids that events of writing have, and those that have written. */
async function writers() {
  let out = "";
  const { hooks } = await events.during(async () => {
    ({ out } = await run("node", "-e", script));
  });
  const pids = hooks.flatMap((one) => (one.policy === "tracingpolicy.send" ? [one.pid] : []));
  const told = JSON.parse(out) as Record<"own" | "ofAccepted" | "ofConnected", number>;
  return { pids, hooks, ...told };
}

test("what is written to a socket is about who writes, unless somebody has tracked it", async () => {
  await kernel.program([post]);
  const { pids, ofAccepted, ofConnected } = await writers();
  assert.deepEqual(pids, [ofAccepted, ofConnected]);
});

test("TrackSock makes the events of a socket those of the process that called", async () => {
  await kernel.program([post, onConnect]);
  const { pids, ofAccepted, own } = await writers();
  assert.deepEqual(pids, [ofAccepted, own]);
});

test("a socket that is gone is forgotten, and with the last policy that tracks all are", async () => {
  await kernel.program([onConnect]);
  const tracked = () => kernel.engine.maps.tracked_socks;
  await writers();
  assert.equal(native.keys(tracked()).length, 0);
  await kernel.program([]);
  assert.ok(!existsSync(`${kernel.bpffs}/links/sock_freed`));
});

test("UntrackSock ends that, with its own event", async () => {
  const untrack = "{ action: UntrackSock, argSock: 0 }, { action: Post }";
  await kernel.program([onSend(untrack), onConnect]);
  const { pids, ofAccepted, ofConnected } = await writers();
  assert.deepEqual(pids, [ofAccepted, ofConnected]);
});

test("returnArgAction tracks the socket that a call returned", async () => {
  await kernel.program([post, onAccept]);
  const { pids, ofConnected, own, hooks } = await writers();
  assert.deepEqual(pids, [own, ofConnected]);
  const accepted = hooks.flatMap(({ policy, returned }) =>
    policy === "tracingpolicy.accept" && returned?.type === "sock" ? [returned.family] : [],
  );
  assert.deepEqual(accepted, [2]);
});
