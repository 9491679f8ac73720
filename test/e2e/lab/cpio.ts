/** One entry of a cpio archive: a folder, a link or a file with its bytes. */
export type CpioEntry =
  | { readonly kind: "dir"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly data: Uint8Array;
    };

const types = { dir: 0o040755, link: 0o120777, file: 0o100000 } as const;

/**
 * A cpio archive in the "newc" form that the kernel unpacks as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Times and owners are 0.
 */
export function encodeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => encodeEntry(entry, index + 1));
  return Buffer.concat([...parts, ...encodeRecord("TRAILER!!!", 0, 0, new Uint8Array())]);
}

function encodeEntry(entry: CpioEntry, inode: number): Buffer[] {
  switch (entry.kind) {
    case "dir":
      return encodeRecord(entry.path, inode, types.dir, new Uint8Array());
    case "link":
      return encodeRecord(entry.path, inode, types.link, Buffer.from(entry.target));
    case "file":
      return encodeRecord(entry.path, inode, types.file | entry.mode, entry.data);
  }
}

function encodeRecord(path: string, inode: number, mode: number, data: Uint8Array): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const links = 1;
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const hex = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  const head = Buffer.concat([Buffer.from(`070701${hex}`), name]);
  return [pad(head), pad(Buffer.from(data))];
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}
