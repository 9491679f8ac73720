/** Test support: compiles selectors, and tells tables in words. */
import {
  type Action,
  type Arg,
  type Condition,
  type Hook,
  hashSets,
  type Selector,
} from "@guardbee/policy";
import type { AttachAbilities, FunctionTypes } from "../../attach/index.ts";
import { eventFormat } from "../../attach/testing/event-formats.ts";
import type { NamedSet } from "../../engine.ts";
import { enums, layout } from "../../gen/layout.ts";
import { read } from "../../layout/struct.ts";
import type { Bits } from "../bits.ts";
import { type AttachPoint, plan } from "../plan.ts";
import type { Shared } from "../shared.ts";
import { compile, type Tables } from "../tables.ts";

/** A kernel that has every function and can do everything. */
export const ableKernel: AttachAbilities = {
  syscallPrefix: "__x64_",
  features: {
    fentry: true,
    fmod_ret_syscalls: true,
    fmod_ret_ia32: true,
    fmod_ret_security: true,
    kprobe: true,
    uprobe: true,
    uprobe_override: true,
    perf_event: true,
  },
  ...{ preempts: false, preemptsTracepoints: false },
  ...{ unprivilegedBpf: false, hidesProcesses: false },
  securityModules: ["capability", "bpf"],
  hasFunction: () => true,
  entriesOf: () => [],
  whyNoRequest: () => undefined,
  functionsOf: () => undefined,
  whyNotInFile: () => undefined,
  lockdown: "none",
  eventFormat,
  findPath: () => "this kernel has no types",
  findRegister: () => "this kernel has no types",
  typesOfTracepoint: () => Array(5).fill("unsigned long"),
  typesOf: () => ({ parameters: Array(5).fill("unsigned long"), returns: "int" }),
};

export const nothingShared: Shared = {
  ...{
    binaries: { exact: new Map(), prefix: new Map(), postfix: new Map() },
    followGroups: new Map(),
  },
  ...{ classes: [new Set()], classCapacity: 1, hookNumber: () => 1 },
};

export function aSet(name: string, ...hooks: readonly Hook[]): NamedSet {
  const policy = { kind: "TracingPolicy", name } as const;
  const set = { policy, mode: "enforce", scope: { host: true }, hooks } as const;
  return { name, hash: hashSets([set]), set };
}

/** A hook on write(2), reading `args`. */
export function onWrite(args: readonly Arg[], ...selectors: readonly Selector[]): Hook {
  return { on: { kind: "kprobe", call: "sys_write", syscall: true }, args, selectors };
}

/** The same, of one selector that does `actions` for each call. */
export function doing(...actions: readonly Action[]): Hook {
  return onWrite([], { conditions: [], actions });
}

export const onExec: Hook = { on: { kind: "exec" }, args: [], selectors: [] };
export const fileOpen = { kind: "kprobe", call: "security_file_open", syscall: false } as const;

export function onLsm(hook: string, ...actions: readonly Action[]): Hook {
  return { ...doing(...actions), on: { kind: "lsm", hook } };
}

const ofFile = { parameters: ["struct file *"], returns: "int" };
const ofExec = { parameters: ["struct linux_binprm *"], returns: "int" };
/** What a kernel says of some functions of security modules, and of those that ask them. */
export const securityTypes: Readonly<Record<string, FunctionTypes>> = {
  ...{ bpf_lsm_file_open: ofFile, security_file_open: ofFile },
  ...{ bpf_lsm_bprm_check_security: ofExec, security_bprm_check: ofExec },
  bpf_lsm_inode_rename: { parameters: ["struct inode *"], returns: "int" },
  security_inode_rename: { parameters: ["struct inode *", "unsigned int"], returns: "int" },
};

export function when(...conditions: readonly Condition[]): Selector {
  return { conditions, actions: [] };
}

/** The one attach point of the sets. */
export function pointOf(...sets: readonly NamedSet[]): AttachPoint {
  return plan(sets, ableKernel).points[0]!;
}

/** A policy on write(2) with one hook. */
export function compiled(
  args: readonly Arg[],
  selectors: readonly Selector[],
  shared: Partial<Shared> = {},
): Tables {
  return compile(pointOf(aSet("p", onWrite(args, ...selectors))), { ...nothingShared, ...shared });
}

/** The selectors that a bitmap leaves in: "0 2". */
export function left(bits: Uint8Array | undefined): string {
  if (bits === undefined) return "no bitmap";
  return Array.from({ length: bits.length * 8 }, (_, bit) => bit)
    .filter((bit) => hasBit(bits, bit))
    .join(" ");
}

/** What is in struct hook_table, by its names. */
export function headOf({ table }: Tables) {
  const whole = new Uint8Array(layout.hook_table.size);
  whole.set(table); // which ends behind the rows in use
  const { rows: _, ...head } = read(whole, layout.hook_table);
  return head;
}

export type FacetKind = keyof typeof enums.facet_kind;

/** The kinds of the facets, in the order of their dimensions. */
export function facetsOf({ spec }: Tables): readonly FacetKind[] {
  const { facets, facet_count } = read(spec, layout.hook_spec);
  const kinds = Object.entries(enums.facet_kind) as [FacetKind, number][];
  return facets.slice(0, facet_count).map(({ kind }) => kinds.find(([, k]) => k === kind)![0]);
}

/** What the first facet of a kind leaves beside its entries. */
export function rowsOf(tables: Tables, kind: FacetKind) {
  const { FACET_ROWS } = enums.table_row;
  const { ROW_OTHERWISE, ROW_ABSENT, ROW_UNEQUAL, FACET_ROW_COUNT } = enums.facet_row;
  const first = FACET_ROWS + FACET_ROW_COUNT * dimensionOf(tables, kind);
  return {
    otherwise: ownRow(tables, first + ROW_OTHERWISE),
    absent: ownRow(tables, first + ROW_ABSENT),
    unequal: ownRow(tables, first + ROW_UNEQUAL),
  };
}

/** The first facet of a kind's rows in the map `rows`: as many as it counts, of `width` each. */
export function mapRowsOf(tables: Tables, kind: FacetKind, width = 1): readonly string[] {
  const { base, count } = headOf(tables).facets[dimensionOf(tables, kind)]!;
  return tables.rows.slice(base, base + width * count).map(left);
}

function dimensionOf(tables: Tables, kind: FacetKind): number {
  const dim = facetsOf(tables).indexOf(kind);
  if (dim === -1) throw new Error(`no ${kind}`);
  return dim;
}

/** A row of the table itself. */
export function ownRow({ table, words }: Tables, row: number): string {
  const at = layout.hook_table.fields.rows.at + row * words * 8;
  return left(table.subarray(at, at + words * 8));
}

/** The value tables: { "0 = 17": "0" } is dimension 0, value 17, and the selectors left. */
export function entriesOf({ numbers, equals, prefixes }: Tables): Readonly<Record<string, string>> {
  const entries = [
    ...numbers.map(({ key, value }) => {
      const { dim, list, value: number } = read(key, layout.number_key);
      return [`${dim}${list === 0 ? "" : ` list ${list}`} = ${number}`, left(value)];
    }),
    ...equals.map(({ key, value }) => {
      const { dim_and_size, text } = read(key, layout.equal_key);
      const shown = Buffer.from(text.slice(0, dim_and_size & 0xffff)).toString();
      return [`${dim_and_size >>> 16} = ${shown}`, left(value)];
    }),
    ...prefixes.map(({ key, value }) => {
      const { prefix_bits, dim, text } = read(key, layout.prefix_key);
      const shown = Buffer.from(text.slice(0, prefix_bits / 8 - 4)).toString();
      return [`${dim} = ${shown}*`, left(value)];
    }),
  ];
  return Object.fromEntries(entries);
}

/** The names of hook_spec.use that are set, but what follows from the arguments alone. */
export function usesOf({ spec }: Tables): readonly string[] {
  const { use } = read(spec, layout.hook_spec);
  return Object.entries(enums.hook_use)
    .filter(([, bit]) => use & bit & ~enums.hook_use.USE_NUMBER_EVENTS)
    .map(([name]) => name.slice("USE_".length).toLowerCase());
}

function hasBit(bits: Bits, bit: number): boolean {
  return (bits[bit >> 3]! & (1 << (bit & 7))) !== 0;
}
