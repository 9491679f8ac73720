import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Hook } from "@guardbee/policy";
import { argJson } from "../args/index.ts";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, policyIn, upstreamCase, when } from "./testing/policies.ts";
import { sh } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

// Addresses that are here and nobody listens on, so that what connects to them is refused at once.
const { code } = await sh(
  "ip link set lo up && ip route replace local 10.9.0.0/16 dev lo && ip -6 route replace local 2001:db8::/32 dev lo",
);
assert.equal(code, 0);

const refused = 7; // curl's word for it
const curl = (url: string) => sh(`exec curl -g -s -m 5 ${url}`);
const datagram = (ip: string, port: number) => sh(`bash -c 'echo hello >/dev/udp/${ip}/${port}'`);

type Shown = Record<string, unknown>;

/** What is reported meanwhile: the policy's name, and its arguments as events have them. */
async function reported(scene: () => unknown): Promise<readonly (readonly [string, ...Shown[]])[]> {
  const { hooks } = await events.during(scene);
  return hooks.map(({ policy, args }) => [
    policy.slice("tracingpolicy.".length),
    ...args.map((arg) => JSON.parse(argJson(arg, undefined)) as Shown),
  ]);
}

const names = (all: readonly (readonly [string, ...Shown[]])[]) => [
  ...new Set(all.map(([name]) => name)),
];

test("upstream's policy kills curl when it connects to what is not local", async () => {
  await kernel.program([upstreamCase("tcp-connect-only-local-addrs")]);
  assert.equal((await curl("http://10.9.9.9/")).signal, "SIGKILL");
  assert.equal((await curl("http://[2001:db8::9]/")).signal, "SIGKILL");
  assert.equal((await curl("http://127.0.0.1/")).code, refused);
  assert.equal((await curl("http://127.1.2.3:8080/")).code, refused);
});

test("upstream's policy kills curl when it connects to what is not private", async () => {
  await sh("ip route replace local 198.51.100.0/24 dev lo");
  await kernel.program([upstreamCase("tcp-connect-only-private-addrs")]);
  assert.equal((await curl("http://198.51.100.1/")).signal, "SIGKILL");
  assert.equal((await curl("http://10.9.9.9/")).code, refused);
  assert.equal((await curl("http://127.0.0.1/")).code, refused);
});

const onConnect = (...selectors: Hook["selectors"]): Hook => ({
  on: { kind: "kprobe", call: "tcp_connect", syscall: false },
  args: [{ index: 0, type: "sock" }],
  selectors,
});
const compare = (op: string, ...values: readonly string[]) =>
  onConnect(when({ by: "arg", arg: 0, op, values } as never));

test("the socket of a connection is reported with both ends", async () => {
  await kernel.program([aSet("p", onConnect())]);
  const sockets = await reported(async () => {
    await curl("http://10.9.9.9:8080/");
    await curl("http://[2001:db8::9]:81/");
  });
  const shown = sockets.map(([, one]) => {
    const { cookie, sport, ...rest } = one!.sock_arg as Shown;
    assert.match(String(cookie), /^[0-9]{20}$/);
    assert.ok(typeof sport === "number" && sport > 1023);
    return rest;
  });
  const common = { type: "SOCK_STREAM", protocol: "IPPROTO_TCP", state: "TCP_SYN_SENT" };
  const ends4 = { saddr: "10.9.9.9", daddr: "10.9.9.9", dport: 8080 };
  assert.deepEqual(shown[0], { family: "AF_INET", ...common, ...ends4 });
  const { saddr, ...second } = shown[1]!;
  assert.match(String(saddr), /^[0-9a-f:]+$/);
  assert.deepEqual(second, {
    ...{ family: "AF_INET6", ...common, daddr: "2001:db8::9", dport: 81 },
  });
});

test("addresses, ports, families and states are compared; IPv4 in IPv6 is IPv4", async () => {
  await kernel.program([
    aSet("daddr", compare("DAddr", "10.9.0.0/20", "192.0.2.1")),
    aSet("daddr6", compare("DAddr", "2001:db8::/33")),
    aSet("not-daddr", compare("NotDAddr", "10.9.0.0/16", "::/0")),
    aSet("dport", compare("DPort", "443", "8080:8090")),
    aSet("not-dport", compare("NotDPort", "80")),
    aSet("dport-priv", compare("DPortPriv")),
    aSet("not-sport-priv", compare("NotSportPriv")),
    aSet("family", compare("Family", "10")),
    aSet("protocol", compare("Protocol", "6")),
    aSet("state", compare("State", "2")),
    aSet("not-saddr", compare("NotSAddr", "0.0.0.0/0", "::/0")),
  ]);
  const all = ["not-sport-priv", "protocol", "state"];
  const seen = async (url: string) => names(await reported(() => curl(url)));
  const inet = await seen("http://10.9.9.9/");
  assert.deepEqual(inet, ["daddr", "dport-priv", ...all].sort());
  const inet6 = await seen("http://[2001:db8::9]:8085/");
  assert.deepEqual(inet6, ["daddr6", "dport", "not-dport", "family", ...all].sort());
  const mapped = await seen("http://[::ffff:10.9.9.9]:443/");
  const high = ["dport", "dport-priv", "not-dport"];
  assert.deepEqual(mapped, ["daddr", "family", ...high, ...all].sort());
  const other = await seen("http://127.0.0.1:8443/");
  assert.deepEqual(other, ["not-daddr", "not-dport", ...all].sort());
});

test("who connects to a forbidden network is refused, by IPv6 sockets, too", async () => {
  await kernel.program([
    policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: {name: no-egress}
spec:
  lsmhooks:
  - hook: socket_connect
    args:
    - {index: 0, type: socket}
    - {index: 1, type: sockaddr}
    selectors:
    - matchArgs:
      - {index: 0, operator: Protocol, values: [IPPROTO_TCP, IPPROTO_UDP]}
      - {index: 1, operator: SAddr, values: [10.9.0.0/16]}
      - {index: 1, operator: SPort, values: ["80", "5000:5999"]}
      matchActions:
      - {action: Override, argError: -1}
`),
  ]);
  const denied = await reported(() => curl("http://10.9.9.9/"));
  assert.deepEqual(denied[0]?.[2], {
    sockaddr_arg: { family: "AF_INET", addr: "10.9.9.9", port: 80 },
  });
  assert.equal((await reported(() => curl("http://[::ffff:10.9.9.9]/"))).length, 1);
  assert.equal((await reported(() => datagram("10.9.9.9", 5353))).length, 1);
  assert.deepEqual(await reported(() => datagram("10.9.9.9", 6000)), []);
  assert.deepEqual(await reported(() => curl("http://10.9.9.9:81/")), []);
  assert.deepEqual(await reported(() => curl("http://[2001:db8::9]/")), []);
});

test("a packet is reported and compared as its headers say, and the device that it goes out by", async () => {
  const onSend = (op: string, ...values: readonly string[]): Hook => ({
    on: { kind: "kprobe", call: "dev_hard_start_xmit", syscall: false },
    args: [
      { index: 0, type: "skb" },
      { index: 1, type: "net_device" },
    ],
    selectors: [when({ by: "arg", arg: 0, op, values } as never)],
  });
  await kernel.program([
    aSet("udp", onSend("Protocol", "17")),
    aSet("port", onSend("DPort", "5353")),
    aSet("not-port", onSend("NotDPort", "5353")),
    aSet("daddr", onSend("DAddr", "10.9.0.0/16", "2001:db8::/32")),
    aSet("family", onSend("Family", "10")),
    upstreamCase("dev_hard_start_xmit"),
  ]);
  const inet = await reported(() => datagram("10.9.9.9", 5353));
  const udp = inet.find(([name]) => name === "udp");
  const { hash: _, sport, ...packet } = udp![1]!.skb_arg as Shown;
  assert.ok(typeof sport === "number" && sport > 1023);
  assert.deepEqual(packet, {
    ...{ family: "AF_INET", saddr: "10.9.9.9", daddr: "10.9.9.9", dport: 5353 },
    ...{ proto: 17, protocol: "IPPROTO_UDP", len: 14 + 20 + 8 + 6 },
  });
  assert.deepEqual(udp![2], { string_arg: "lo" });
  // What comes back says that nobody listens.
  const sent = (all: typeof inet) => names(all.filter(([, first]) => first?.skb_arg !== undefined));
  assert.deepEqual(sent(inet), ["daddr", "port", "udp"]);
  const upstreams = inet.filter(([name]) => name === "dev-hard-start-xmit");
  assert.deepEqual(upstreams[0]?.[1], { string_arg: "lo" });
  const inet6 = await reported(() => datagram("2001:db8::9", 53));
  assert.deepEqual(sent(inet6), ["daddr", "family", "not-port", "udp"]);
});
