import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseEnvironment } from "./environment.ts";
import { type Credentials, namespaceNames, namespacesOf } from "./identity.ts";
import { type Image, type ImageDetails, userField } from "./image.ts";

/** What `details` ask for of the process whose folder in procfs is `folder`. */
export async function scanDetails(folder: string, details: ImageDetails): Promise<Partial<Image>> {
  const { accounts, hostNamespaces, environment } = details;
  const text = (name: string) => readFile(join(folder, name), "utf8").catch(() => "");
  const inodes = await namespacesIn(folder);
  const at = (name: (typeof namespaceNames)[number]) => inodes[namespaceNames.indexOf(name)] ?? 0;
  const status = parseCredentials(await text("status"));
  const user = accounts?.nameOf(status?.euid ?? 0, { mntNs: at("mnt"), userNs: at("user") });
  return {
    ...userField(user),
    ...(details.credentials === true && status && { credentials: status }),
    ...(hostNamespaces && { namespaces: namespacesOf(inodes, hostNamespaces) }),
    ...(environment && { environment: parseEnvironment(await text("environ"), environment) }),
  };
}

/** Inode numbers of a process's namespaces, in the order of `namespaceNames`; 0: it cannot be told. */
export async function namespacesIn(folder: string): Promise<readonly number[]> {
  return Promise.all(
    namespaceNames.map(async (name) => {
      const found = await stat(join(folder, "ns", name)).catch(() => undefined);
      return found?.ino ?? 0;
    }),
  );
}

/** Of /proc/PID/status, which has no securebits; undefined: it is no such text. */
export function parseCredentials(text: string): Credentials | undefined {
  const words = (name: string) =>
    new RegExp(`^${name}:\\s+(.*)$`, "m").exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  const [uid, euid, suid, fsuid] = words("Uid").map(Number);
  const [gid, egid, sgid, fsgid] = words("Gid").map(Number);
  if (uid === undefined || gid === undefined) return undefined;
  const bits = (name: string) => BigInt(`0x${words(name)[0] ?? "0"}`);
  return {
    ...{ permitted: bits("CapPrm"), effective: bits("CapEff"), inheritable: bits("CapInh") },
    ...{ uid, gid, euid: euid ?? 0, egid: egid ?? 0, suid: suid ?? 0, sgid: sgid ?? 0 },
    ...{ fsuid: fsuid ?? 0, fsgid: fsgid ?? 0, securebits: 0 },
  };
}
