/** One entry of a tar archive; `path` has no leading slash. */
export type TarEntry =
  | { readonly kind: "dir"; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "hard"; readonly path: string; readonly mode: number; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly data: Uint8Array;
    };

const typeFlags = { file: "0", hard: "1", link: "2", dir: "5" } as const;

/**
 * A tar archive of the same bytes for the same entries: sorted by path, except that hard links
 * follow the files they name; time, user and group are 0. Long names are written the GNU way.
 */
export function encodeTar(entries: readonly TarEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  return Buffer.concat([...sorted.flatMap(encodeEntry), Buffer.alloc(1024)]);
}

/** Files and folders in one go: a folder sorts before what is in it. */
function rank(entry: TarEntry): number {
  return entry.kind === "hard" ? 1 : 0;
}

function encodeEntry(entry: TarEntry): Buffer[] {
  const path = entry.kind === "dir" ? `${entry.path}/` : entry.path;
  const target = entry.kind === "link" || entry.kind === "hard" ? entry.target : "";
  // A hard link's mode is applied to the file that it names.
  const mode = entry.kind === "link" ? 0o777 : entry.mode;
  const data = entry.kind === "file" ? entry.data : new Uint8Array();
  return [
    ...longName("K", target),
    ...longName("L", path),
    header({ path, target, mode, size: data.length, type: typeFlags[entry.kind] }),
    ...padded(data),
  ];
}

/** GNU's extension: a name of 100 bytes or more goes into a record of its own before the entry. */
function longName(type: "K" | "L", name: string): Buffer[] {
  const bytes = Buffer.from(`${name}\0`);
  if (bytes.length <= 100) return [];
  return [
    header({ path: "././@LongLink", target: "", mode: 0, size: bytes.length, type }),
    ...padded(bytes),
  ];
}

type Header = {
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
};

function header(entry: Header): Buffer {
  const block = Buffer.alloc(512);
  block.write(entry.path.slice(0, 100), 0);
  block.write(octal(entry.mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(entry.size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write("        ", 148);
  block.write(entry.type, 156);
  block.write(entry.target.slice(0, 100), 157);
  block.write("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function padded(data: Uint8Array): Buffer[] {
  const rest = (512 - (data.length % 512)) % 512;
  return [Buffer.from(data.buffer, data.byteOffset, data.length), Buffer.alloc(rest)];
}
