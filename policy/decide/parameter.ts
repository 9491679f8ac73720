/** An open file description: what dup'd and inherited descriptors share. */
export type OpenFile = {
  readonly id: number;
  /** undefined: it has none by its nature (a pipe, a socket). */
  readonly path?: string;
  /** What kind of file it is: S_IFMT. Absent: a regular one. */
  readonly format?: number;
  /** Its mount is attached nowhere: `path` is what its file system calls it, others may call it otherwise. */
  readonly isDetached?: true;
};

/** What the kernel knows of an exec that it is asked about, beside the file. */
export type ExecFacts = {
  /** Effective ids of who makes it. */
  readonly user: number;
  readonly group: number;
  /** Whose set-user-id program it is, where that counts; the same of groups. */
  readonly setsUser?: number;
  readonly setsGroup?: number;
  /**
   * Where the file comes from: the container's image, and unchanged; the same, changed; deleted since;
   * another file system; one that a process mounted in a user namespace of its own.
   */
  readonly origin: "image" | "changed" | "deleted" | "elsewhere" | "ownMount";
  /** The process has a controlling terminal. */
  readonly isInteractive?: true;
  /** A container runtime's own program, in a container that it is starting. */
  readonly startsContainer?: true;
  /** The kernel runs the file for another one, about which it asked before: a script's interpreter. */
  readonly isInterpreter?: true;
  /** The file begins with `#!`. */
  readonly isScript?: true;
  /** SHA-256 of its content in hexadecimal, where that is known and stays so while it runs. */
  readonly digest?: string;
};

/** A socket of the kernel. Of a family that is not IP it has no ends. */
export type Sock = {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly state: number;
  readonly source?: End;
  readonly destination?: End;
};
/** 4 or 16 bytes, and a port. */
export type End = { readonly address: Uint8Array; readonly port: number };

/** A packet as its headers say. */
export type Packet = {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** unknown: its headers are too many to look through. */
  readonly protocol: number | "unknown";
  /** Of TCP and UDP. unknown: it is a fragment without them. */
  readonly ports?: { readonly source: number; readonly destination: number } | "unknown";
};

/** One parameter of a call, as the kernel finds it. */
export type Parameter =
  /** As the register holds it: 64 bits, of a 32-bit call 32; unsigned. */
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "file"; readonly file: OpenFile }
  /** A pointer to the struct of that name, which leads to a file. */
  | {
      readonly kind: "struct";
      readonly name: string;
      readonly file: OpenFile;
      /** Of a `struct linux_binprm`. */
      readonly exec?: ExecFacts;
    }
  /** A `struct filename *`. undefined: it cannot be read. */
  | { readonly kind: "filename"; readonly bytes?: Uint8Array }
  /** undefined: it cannot be read. */
  | { readonly kind: "buffer"; readonly bytes?: Uint8Array }
  /**
   * A `struct iovec *`, or a `struct iov_iter *` of memory of a process: its parts. undefined: they cannot
   * be read, or are none of a process.
   */
  | { readonly kind: "iovec" | "iov_iter"; readonly parts?: readonly Uint8Array[] }
  /** A `struct sock *`, or a `struct socket *` that has it. undefined: it cannot be read. */
  | { readonly kind: "sock" | "socket"; readonly sock?: Sock }
  /** A `struct sk_buff *`. `none`: no packet of IP. undefined: it cannot be read. */
  | { readonly kind: "skb"; readonly packet?: Packet | "none" }
  /** A `kernel_cap_t *`. undefined: it cannot be read. */
  | { readonly kind: "capabilities"; readonly bits?: bigint }
  /** Of a place that a program's authors have marked: where it is there is nothing to be read. */
  | { readonly kind: "unread" }
  /** A pointer to a struct of which paths alone read something. */
  | { readonly kind: "area" }
  /** A `struct net_device *`. undefined: it cannot be read. */
  | { readonly kind: "net_device"; readonly name?: string };

/** What a call hands over, and what its process has open. */
export type Given = {
  /** A system call of a 32-bit process, or by its entry: registers hold 32 bits. */
  readonly is32Bit?: true;
  /** By index of the call's own parameters. */
  readonly parameters: readonly Parameter[];
  /** The process's open descriptors. */
  readonly descriptors: ReadonlyMap<number, OpenFile>;
  /** What paths lead to, by `pathKey`; what is absent cannot be read. */
  readonly resolved?: ReadonlyMap<string, Parameter>;
};

/** Where something is read: in a parameter, or where a path leads from there, or from `source`. */
export type ReadPlace = {
  readonly index: number;
  readonly source?: string;
  readonly resolve?: string;
  readonly btfType?: string;
  readonly btfTypeModule?: string;
};

/** Equal for paths that lead to the same; undefined: it is a parameter that is read. */
export function pathKey(place: ReadPlace): string | undefined {
  const { index, source = "", resolve, btfType = "", btfTypeModule = "" } = place;
  if (resolve === undefined) return undefined;
  return [source === "" ? index : source, btfTypeModule, btfType, resolve].join(" ");
}

/** `given` with what is read at `place` as a parameter of it, of that number. */
export function givenAt(
  place: ReadPlace,
  given: Given,
): { readonly index: number; readonly given: Given } {
  const key = pathKey(place);
  if (key === undefined) return { index: place.index, given };
  const { is32Bit: _, ...rest } = given; // the kernel's own memory is of 64 bits
  const parameter = given.resolved?.get(key) ?? ({ kind: "unread" } as const);
  return { index: 0, given: { ...rest, parameters: [parameter] } };
}

/** The same, of files that would be called what they seem to be. */
export function asItSeems<G extends Given>(given: G): G {
  const seeming = ({ isDetached: _, ...file }: OpenFile): OpenFile => file;
  const seemingly = (one: Parameter): Parameter => {
    if (!("file" in one)) return one;
    // Where the file is of is known in any case.
    const exec = one.kind === "struct" ? execOf(one) : undefined;
    return { ...one, file: seeming(one.file), ...(exec && { exec }) };
  };
  return {
    ...given,
    parameters: given.parameters.map(seemingly),
    ...(given.resolved && {
      resolved: new Map([...given.resolved].map(([key, one]) => [key, seemingly(one)])),
    }),
    descriptors: new Map([...given.descriptors].map(([fd, file]) => [fd, seeming(file)])),
  };
}

/** What is known of the exec: what is in no mount, or in one that is nowhere attached, is of no image. */
export function execOf({
  file: { path, isDetached },
  exec,
}: Extract<Parameter, { readonly kind: "struct" }>): ExecFacts | undefined {
  return exec && (path === undefined || isDetached) ? { ...exec, origin: "elsewhere" } : exec;
}

/** The file that is read at `place`, or that is behind it when it is the number of a descriptor. */
export function openFile(place: ReadPlace, call: Given): OpenFile | undefined {
  const {
    index,
    given: { parameters, descriptors },
  } = givenAt(place, call);
  const parameter = parameters[index];
  if (parameter?.kind === "file") return parameter.file;
  if (parameter?.kind !== "number") return undefined;
  return descriptors.get(Number(BigInt.asUintN(32, parameter.value)));
}
