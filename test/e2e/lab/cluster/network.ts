import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  apiAddress,
  apiServiceAddress,
  bridge,
  namespace,
  nodeAddresses,
  nodePrefixLength,
} from "./addresses.ts";

/** Creates the namespace with its bridge and the API server's two addresses, if it is not there. */
export function ensureNetwork(): void {
  if (existsSync(`/run/netns/${namespace}`)) return;
  ip("netns", "add", namespace);
  inside("ip", "link", "set", "lo", "up");
  inside("ip", "address", "add", `${apiServiceAddress}/32`, "dev", "lo");
  inside("ip", "link", "add", bridge, "type", "bridge");
  inside("ip", "address", "add", `${apiAddress}/${nodePrefixLength}`, "dev", bridge);
  inside("ip", "link", "set", bridge, "up");
  // Nodes reach each other's pods through the namespace, which must not answer with redirects.
  inside("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0");
  inside("sysctl", "-qw", `net.ipv4.conf.${bridge}.send_redirects=0`);
}

/** Creates the tap of the node with `index` and the route to its pods, if they are not there. */
export function ensureNodeNetwork(index: number): void {
  const { address, podRange, tap } = nodeAddresses(index);
  if (!hasLink(tap)) {
    inside("ip", "tuntap", "add", tap, "mode", "tap");
    inside("ip", "link", "set", tap, "master", bridge, "up");
  }
  inside("ip", "route", "replace", podRange, "via", address, "dev", bridge);
}

/** Removes the tap and the route of the node with `index`. */
export function removeNodeNetwork(index: number): void {
  const { podRange, tap } = nodeAddresses(index);
  spawnSync("ip", ["netns", "exec", namespace, "ip", "route", "del", podRange]);
  spawnSync("ip", ["netns", "exec", namespace, "ip", "link", "del", tap]);
}

/** Removes the namespace, and with it the bridge, the taps and the routes. */
export function removeNetwork(): void {
  if (existsSync(`/run/netns/${namespace}`)) ip("netns", "delete", namespace);
}

/** The command that runs `command` inside the namespace. */
export function insideNetwork(command: readonly string[]): readonly string[] {
  return ["ip", "netns", "exec", namespace, ...command];
}

function hasLink(name: string): boolean {
  const show = ["netns", "exec", namespace, "ip", "link", "show", name];
  return spawnSync("ip", show, { stdio: "ignore" }).status === 0;
}

function inside(...command: readonly string[]): void {
  ip("netns", "exec", namespace, ...command);
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });
}
