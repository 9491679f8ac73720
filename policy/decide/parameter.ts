/** An open file description: what dup'd and inherited descriptors share. */
export type OpenFile = {
  readonly id: number;
  /** undefined: it has none by its nature (a pipe, a socket). */
  readonly path?: string;
  /** Its mount is attached nowhere: `path` is what its file system calls it, others may call it otherwise. */
  readonly isDetached?: true;
};

/** One parameter of a call, as the kernel finds it. */
export type Parameter =
  /** As the register holds it: 64 bits, of a 32-bit call 32; unsigned. */
  | { readonly kind: "number"; readonly value: bigint }
  | { readonly kind: "file"; readonly file: OpenFile }
  /** undefined: it cannot be read. */
  | { readonly kind: "buffer"; readonly bytes?: Uint8Array };

/** What a call hands over, and what its process has open. */
export type Given = {
  /** A system call of a 32-bit process, or by its entry: registers hold 32 bits. */
  readonly is32Bit?: true;
  /** By index of the call's own parameters. */
  readonly parameters: readonly Parameter[];
  /** The process's open descriptors. */
  readonly descriptors: ReadonlyMap<number, OpenFile>;
};

/** The same, of files that would be called what they seem to be. */
export function asItSeems<G extends Given>(given: G): G {
  const seeming = ({ isDetached: _, ...file }: OpenFile): OpenFile => file;
  return {
    ...given,
    parameters: given.parameters.map((one) =>
      one.kind === "file" ? { ...one, file: seeming(one.file) } : one,
    ),
    descriptors: new Map([...given.descriptors].map(([fd, file]) => [fd, seeming(file)])),
  };
}

/** The file that a parameter is, or that is behind it when it is the number of a descriptor. */
export function openFile(index: number, { parameters, descriptors }: Given): OpenFile | undefined {
  const parameter = parameters[index];
  if (parameter?.kind === "file") return parameter.file;
  if (parameter?.kind !== "number") return undefined;
  return descriptors.get(Number(BigInt.asUintN(32, parameter.value)));
}
