/** One field of a tracepoint's record. */
export type Field = {
  readonly name: string;
  readonly offset: number;
  /** In bytes. */
  readonly size: number;
  readonly kind: "unsigned" | "signed" | "array" | "data_loc" | "rel_loc";
  /** Of an array one element, of others that point or say where something is what is there: `char`. */
  readonly of: string;
  readonly isPointer: boolean;
  /** Bytes of an element of an array; 0 of others. */
  readonly element: number;
};

/** What a tracepoint's format file says; undefined: it is none. */
export type EventFormat = { readonly id: number; readonly fields: readonly Field[] };

/** The format file of a tracepoint, as the kernel writes it below tracefs. */
export function parseFormat(text: string): EventFormat | undefined {
  const id = text.match(/^ID: (\d+)$/m)?.[1];
  if (id === undefined) return undefined;
  const lines = text.matchAll(
    /^\tfield:(.*);\toffset:(\d+);\tsize:(\d+);(?:\tsigned:(\d);)?\s*$/gm,
  );
  const fields = [...lines].map(([, declared, offset, size, signed]) =>
    fieldOf(declared!, { offset: Number(offset), size: Number(size), isSigned: signed === "1" }),
  );
  return { id: Number(id), fields };
}

/** A declaration is as in C: `const char * filename`, `char comm[16]`, `__data_loc char[] name`. */
function fieldOf(
  declared: string,
  {
    offset,
    size,
    isSigned,
  }: { readonly offset: number; readonly size: number; readonly isSigned: boolean },
): Field {
  const place = { offset, size };
  const [, where, of, name] = /^__(data|rel)_loc (.*)\[\] (\w+)$/.exec(declared) ?? [];
  if (where !== undefined) {
    const kind = where === "data" ? "data_loc" : "rel_loc";
    return { ...place, name: name!, kind, of: plain(of!), isPointer: false, element: 0 };
  }
  const [, elementType, array, length] = /^(.*?)\s*\b(\w+)\[(.*)\]$/.exec(declared) ?? [];
  if (elementType !== undefined) {
    const element = /^\d+$/.test(length!) ? size / Number(length) : 1;
    return {
      ...place,
      name: array!,
      kind: "array",
      of: plain(elementType),
      isPointer: false,
      element,
    };
  }
  const [, type, own] = /^(.*?)\s*(\w+)$/.exec(declared) ?? ["", "", declared];
  return {
    ...{ ...place, name: own!, kind: isSigned ? "signed" : "unsigned" },
    ...{ of: plain(type!.replace(/\s*\*$/, "")), isPointer: type!.endsWith("*"), element: 0 },
  };
}

function plain(type: string): string {
  return type
    .replace(/\b(const|__user|volatile)\b/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
