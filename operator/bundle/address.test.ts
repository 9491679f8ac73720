import assert from "node:assert/strict";
import { test } from "node:test";
import { addressKind } from "./address.ts";

const kinds = {
  public: [
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700::1111",
    "64:ff9b::5db8:d822",
    "64:ff9b:1::5db8:d822",
  ],
  private: [
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "fd12:3456::1",
    "::ffff:10.0.0.1",
  ],
  loopback: [
    "127.0.0.1",
    "127.255.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:0:0:1",
  ],
  local: [
    ...["0.0.0.0", "169.254.169.254", "168.63.129.16", "100.100.100.200", "224.0.0.1"],
    ...["255.255.255.255", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1"],
    ...["::ffff:169.254.169.254", "::a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"],
    ...["::ffff:0:169.254.169.254", "64:ff9b:1::a9fe:a9fe"], // translated by others than NAT64's /96
    ...["64:ff9b:1:a9fe:a9:fe00:808:808", "2001:0:4136:e378:8000:63bf:5601:5601"], // and hidden in it
    ...["2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1", "192.0.2.1", "203.0.113.7"],
  ],
} as const;
for (const [kind, addresses] of Object.entries(kinds)) {
  test(`${kind}: ${addresses.join(" ")}`, () => {
    for (const address of addresses) assert.equal(addressKind(address), kind, address);
  });
}
