import { hostFunctions, hostNumber, type Replacement } from "./host-functions.ts";
import { Malformed, ModuleReader, type Section, sectionIds, sectionsOf } from "./module-reader.ts";
import { joined, signed, sized, unsigned, vector, writeSections } from "./module-writer.ts";

/**
 * A module of `opa build`, in which functions that differ from `opa eval` call the host's builtin
 * instead (host-functions.ts). `opa build` links its own C library into each module; it writes the
 * names of the functions beside it, and those are what is found again here. Undefined when there
 * are no names; throws Error for what is no module.
 */
export function mendModule(module: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  try {
    return mended([...sectionsOf(module)]);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Error(`is no module: it ${error.message}`, { cause: error });
  }
}

function mended(sections: readonly Section[]): Uint8Array<ArrayBuffer> | undefined {
  const layout = layoutOf(sections);
  if (layout === undefined) return undefined;
  const added: Added[] = [];
  const bodies = [...layout.bodies];
  const nextIndex = () => layout.imports.length + bodies.length + added.length;
  for (const [name, replacement] of Object.entries(hostFunctions)) {
    const index = layout.names.get(name);
    if (index === undefined) continue; // opa build leaves out the names of what nothing calls
    const at = index - layout.imports.length;
    const original = bodies[at];
    const type = layout.functionTypes[at];
    if (original === undefined || type === undefined) throw unlike(name);
    const kept = nextIndex();
    const body = bodyOf(name, replacement, layout, type, kept);
    if (body === undefined) continue;
    bodies[at] = body;
    added.push({ type, body: original });
  }
  const types = [...layout.functionTypes, ...added.map(({ type }) => type)].map(unsigned);
  const code = [...bodies, ...added.map(({ body }) => body)].map(sized);
  return writeSections(
    sections.map((section) => {
      if (section.id === sectionIds.function) return { ...section, content: vector(types) };
      if (section.id === sectionIds.code) return { ...section, content: vector(code) };
      return section;
    }),
  );
}

/** A function behind those that the module had. */
type Added = { readonly type: number; readonly body: Uint8Array };

type Layout = {
  /** Names of the imported functions, which are numbered first. */
  readonly imports: readonly string[];
  /** Type index of each function of the module's own. */
  readonly functionTypes: readonly number[];
  /** Parameters of each type that takes and gives only i32; undefined for others. */
  readonly arities: readonly (number | undefined)[];
  readonly bodies: readonly Uint8Array[];
  /** Function index by name. */
  readonly names: ReadonlyMap<string, number>;
};

function layoutOf(sections: readonly Section[]): Layout | undefined {
  const names = readNames(sections);
  if (names === undefined) return undefined;
  const read = <T>(id: number, member: (reader: ModuleReader) => T): readonly T[] => {
    const section = sections.find((one) => one.id === id);
    return section === undefined ? [] : new ModuleReader(section.content).list(member);
  };
  return {
    imports: read(sectionIds.import, readImport).filter((name) => name !== undefined),
    functionTypes: read(sectionIds.function, (reader) => reader.u32()),
    arities: read(sectionIds.type, readArity),
    bodies: read(sectionIds.code, (reader) => reader.sized()),
    names,
  };
}

const i32 = 0x7f;

/** Undefined where a parameter or the result is no i32. */
function readArity(reader: ModuleReader): number | undefined {
  if (reader.byte() !== 0x60) throw new Error("is no module of opa build: it has other types");
  const params = reader.list((one) => one.byte());
  const results = reader.list((one) => one.byte());
  const plain = [...params, ...results].every((type) => type === i32) && results.length === 1;
  return plain ? params.length : undefined;
}

/** The name of an imported function; undefined for what is none. */
function readImport(reader: ModuleReader): string | undefined {
  reader.name(); // module
  const name = reader.name();
  const kind = reader.byte();
  if (kind === 0) {
    reader.u32();
    return name;
  }
  if (kind !== 2) throw new Error(`is no module of opa build: it imports ${name}`);
  const hasMaximum = (reader.byte() & 1) === 1;
  reader.u32();
  if (hasMaximum) reader.u32();
  return undefined;
}

function readNames(sections: readonly Section[]): ReadonlyMap<string, number> | undefined {
  for (const { id, content } of sections) {
    if (id !== sectionIds.custom) continue;
    const reader = new ModuleReader(content);
    if (reader.name() !== "name") continue;
    while (!reader.atEnd) {
      const isFunctions = reader.byte() === 1;
      const names = new ModuleReader(reader.sized());
      if (!isFunctions) continue;
      const pairs = names.list((): [string, number] => {
        const index = names.u32();
        return [names.name(), index];
      });
      return new Map(pairs);
    }
  }
  return undefined;
}

const op = {
  ...{
    if: 0x04,
    else: 0x05,
    end: 0x0b,
    call: 0x10,
    localGet: 0x20,
    i32Load8U: 0x2d,
    i32Load16U: 0x2f,
  },
  ...{ i32Const: 0x41, i32Eq: 0x46, i32And: 0x71 },
} as const;

/** `i32.load16_u` of a number that is kept as an int: its type, then its representation (value.h). */
const intHeader = 0x0103;
/** Where the number that is tried may be written: OPA's library keeps nothing in the first bytes. */
const scratch = 8;
const types = { number: 3, object: 6 } as const;

/** The new body; undefined when a function that it needs is not there, as then nothing calls it. */
function bodyOf(
  name: string,
  replacement: Replacement,
  layout: Layout,
  type: number,
  original: number,
): Uint8Array | undefined {
  const arity = layout.arities[type];
  if (arity === undefined) throw unlike(name);
  const parameters = Array.from({ length: arity }, (_, i) => [op.localGet, i]).flat();
  const keep = [...parameters, op.call, ...unsigned(original)];
  if (replacement.kind === "copy") {
    const make = layout.names.get("opa_object");
    if (make === undefined) return undefined;
    return expression([...hasType(0, types.object), ...choose(keep, [op.call, ...unsigned(make)])]);
  }
  const dispatcher = layout.imports.indexOf(`opa_builtin${arity}`);
  if (dispatcher < 0) throw unlike(name);
  const id = [op.i32Const, ...signed(hostNumber(name)), op.i32Const, 0];
  const host = [...id, ...parameters, op.call, ...unsigned(dispatcher)];
  if (replacement.for === "all") return expression(host);
  const looked = replacement.operands ?? Array.from({ length: arity }, (_, i) => i);
  const each = (test: (parameter: number) => readonly number[]) =>
    looked.flatMap((parameter, i) => [...test(parameter), ...(i > 0 ? [op.i32And] : [])]);
  const numbers = each((parameter) => hasType(parameter, types.number));
  if (replacement.for === "numbers") return expression([...numbers, ...choose(host, keep)]);
  const ints = each((parameter) => isInt(parameter, layout));
  return expression([...numbers, ...choose([...ints, ...choose(keep, host)], keep)]);
}

function hasType(parameter: number, type: number): readonly number[] {
  return [op.localGet, parameter, op.i32Load8U, 0, 0, op.i32Const, type, op.i32Eq];
}

/** Of a number. A literal is kept as text, so that its header alone does not tell. */
function isInt(parameter: number, { names }: Layout): readonly number[] {
  const tryInt = names.get("opa_number_try_int");
  if (tryInt === undefined) {
    const header = [op.i32Load16U, 0, 0, op.i32Const, ...signed(intHeader), op.i32Eq];
    return [op.localGet, parameter, ...header];
  }
  const call = [op.call, ...unsigned(tryInt), op.i32Const, 0, op.i32Eq];
  return [op.localGet, parameter, op.i32Const, scratch, ...call];
}

/** What is on the stack decides. */
function choose(then: readonly number[], otherwise: readonly number[]): readonly number[] {
  return [op.if, i32, ...then, op.else, ...otherwise, op.end];
}

/** A function's body: no locals, then these instructions. */
function expression(instructions: readonly number[]): Uint8Array {
  return joined([Uint8Array.of(0, ...instructions, op.end)]);
}

function unlike(name: string): Error {
  return new Error(`is no module of opa build: its ${name} is another`);
}
