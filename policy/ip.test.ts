import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIp, formatNetwork, isInNetwork, parseIp, parseNetwork, unmapped } from "./ip.ts";

const addresses: readonly (readonly [string, string | undefined])[] = [
  ["10.0.0.1", "10.0.0.1"],
  ["0.0.0.0", "0.0.0.0"],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
  ["::ffff:a00:1", "::ffff:10.0.0.1"],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ...["", "10.0.0", "10.0.0.256", "010.0.0.1", "1.2.3.4.5", "a.b.c.d", "localhost"].map(none),
  ...[":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::"].map(none),
  ...["12345::", "g::", "fe80::1%eth0", "::1.2.3", "1.2.3.4::"].map(none),
];
function none(text: string): readonly [string, undefined] {
  return [text, undefined];
}
for (const [text, want] of addresses) {
  test(`parseIp of ${JSON.stringify(text)}`, () => {
    const ip = parseIp(text);
    assert.equal(ip && formatIp(ip), want);
  });
}

const networks: readonly (readonly [string, string | undefined])[] = [
  ["127.0.0.1", "127.0.0.1/32"],
  ["127.0.0.1/8", "127.0.0.0/8"],
  ["10.255.255.255/12", "10.240.0.0/12"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["::1", "::1/128"],
  ["2001:db8:ffff::/33", "2001:db8:8000::/33"],
  ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ["::ffff:10.1.2.3", "10.1.2.3/32"],
  ["::ffff:0:0/95", "::fffe:0:0/95"],
  ["::/0", "::/0"],
  ...["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/-1", "/8", "1.2.3.4/5/6"].map(
    none,
  ),
];
for (const [text, want] of networks) {
  test(`parseNetwork of ${text}`, () => {
    const network = parseNetwork(text);
    assert.equal(network && formatNetwork(network), want);
  });
}

test("an address is in a network of its own kind, an IPv4 one in IPv6 is IPv4", () => {
  const isIn = (ip: string, network: string) =>
    isInNetwork(unmapped(parseIp(ip)!), parseNetwork(network)!);
  assert.ok(isIn("10.1.2.3", "10.0.0.0/8"));
  assert.ok(isIn("::ffff:10.1.2.3", "10.0.0.0/8"));
  assert.ok(isIn("10.1.2.3", "::ffff:10.0.0.0/104"));
  assert.ok(isIn("2001:db8::1", "2001:db8::/32"));
  assert.ok(!isIn("11.1.2.3", "10.0.0.0/8"));
  assert.ok(!isIn("::a01:203", "10.0.0.0/8"));
  assert.ok(!isIn("10.1.2.3", "::/0"));
  assert.ok(!isIn("2001:db9::1", "2001:db8::/32"));
});
