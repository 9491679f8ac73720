import { bitsIn, securebitsIn } from "../../args/credentials.ts";
import { ProcessPrivilegesChanged, SecureBitsType, tags } from "../../gen/wire-numbers.ts";
import type { BinaryProperties } from "../../process/identity.ts";
import type { Image } from "../../process/image.ts";
import type { WireWriter } from "../../wire/writer.ts";

const fields = tags.Process;

/** What flags of the agent ask for beside, but what is special about the program; as identity-json.ts. */
export function writeIdentity(
  { credentials, namespaces, environment }: Image,
  out: WireWriter,
): void {
  if (credentials !== undefined) writeCredentials(credentials, out);
  if (namespaces !== undefined) {
    const start = out.open(fields.ns);
    for (const { name, inode, isHost } of namespaces) {
      const one = out.open(tags.Namespaces[name]);
      out.uint(tags.Namespace.inum, inode);
      out.bool(tags.Namespace.is_host, isHost);
      out.close(one);
    }
    out.close(start);
  }
  for (const [name, value] of environment ?? []) {
    const start = out.open(fields.environment_variables);
    out.text(tags.EnvVar.Key, name);
    out.text(tags.EnvVar.Value, value);
    out.close(start);
  }
}

/** Nothing where nothing is special about the program. */
export function writeBinary(properties: BinaryProperties | undefined, out: WireWriter): void {
  const { setuid, setgid, fileCapabilities, inode } = properties ?? {};
  const raised = [
    ...(fileCapabilities === undefined ? [] : (["CAP"] as const)),
    ...(setuid === undefined ? [] : (["SETUID"] as const)),
    ...(setgid === undefined ? [] : (["SETGID"] as const)),
  ].map((how) => ProcessPrivilegesChanged[`PRIVILEGES_RAISED_EXEC_FILE_${how}`]);
  if (raised.length === 0 && inode === undefined) return;
  const start = out.open(fields.binary_properties);
  if (setuid !== undefined) out.wrapped(tags.BinaryProperties.setuid, setuid);
  if (setgid !== undefined) out.wrapped(tags.BinaryProperties.setgid, setgid);
  out.list(tags.BinaryProperties.privileges_changed, raised);
  if (inode !== undefined) {
    const file = out.open(tags.BinaryProperties.file);
    const node = out.open(tags.FileProperties.inode);
    out.uint(tags.InodeProperties.number, Number(inode));
    out.wrapped(tags.InodeProperties.links, 0);
    out.close(node);
    out.close(file);
  }
  out.close(start);
}

function writeCredentials(credentials: NonNullable<Image["credentials"]>, out: WireWriter): void {
  const cap = out.open(fields.cap);
  for (const name of ["permitted", "effective", "inheritable"] as const) {
    out.list(tags.Capabilities[name], bitsIn(credentials[name]));
  }
  out.close(cap);
  const start = out.open(fields.process_credentials);
  for (const name of ["uid", "gid", "euid", "egid", "suid", "sgid", "fsuid", "fsgid"] as const) {
    out.wrapped(tags.ProcessCredentials[name], credentials[name]);
  }
  const bits = securebitsIn(credentials.securebits).map((word) => SecureBitsType[word]);
  out.list(tags.ProcessCredentials.securebits, bits);
  out.close(start);
}
