import type { Given, Parameter } from "../decide/parameter.ts";
import type { Report } from "../lower/report.ts";
import type { PositionRole } from "../schema/dsl.ts";
import type { UpstreamArgOperator, UpstreamArgType } from "../schema/vocabulary.ts";

/** Everything that the language knows of one type of argument: an entry of `argKinds`. */
export type ArgKind = {
  /** Upstream's other names for it. */
  readonly aliases: readonly UpstreamArgType[];
  /** What to write instead where a program makes the call: it cannot pass such a thing. */
  readonly instead?: string;
  /** What to write instead where it is no tracepoint: it is in the record of one. */
  readonly insteadOfField?: string;
  /** No policy names it: it is what `auto` means. */
  readonly unnamed?: true;
  /** What it may read in a policy of one namespace: nothing else of the kernel is shown to a tenant. */
  readonly parameters: readonly CType[];
  /** What CelExpr takes it for; absent: expressions have it not. */
  readonly cel?: CelTypeName;
  /** The parts of a reading that can be compared, and what each is. */
  readonly facets: Readonly<Record<string, FacetType>>;
  /** How each operator that this version has compares. */
  readonly operators: Readonly<Partial<Record<UpstreamArgOperator | OwnArgOperator, ArgOperator>>>;
  /** Every operator that upstream takes for it. */
  readonly upstreamOperators: readonly UpstreamArgOperator[];
  /** What an action on descriptors or sockets may take it for. */
  readonly standsFor?: Exclude<PositionRole, "any">;
  /** In a policy that follows descriptors, a hook with it acts for followed ones only. */
  readonly asksFollowed?: true;
  /** What a policy may say of its length. */
  readonly lengthFields?: readonly (keyof Length)[];
  /** Of a type with such fields: its length, and what is wrong with it to `report`. */
  readonly lowerLength?: (
    report: Report,
    spec: Length & { index: number },
    place: LengthPlace,
  ) => Length;
  /** What a hook reads at `index` of a call. */
  readonly read: (index: number, call: Given) => MaybeReading;
  /** What a call had handed over, by its KprobeArgument in JSON; undefined: that does not say. */
  readonly recorded: (argument: RecordedArgument) => Parameter | undefined;
  /** Test support: few values to compare with, so that random ones meet. */
  readonly samples: readonly string[];
};

/** A KprobeArgument of an event that was written as JSON; it may come from anywhere. */
export type RecordedArgument = Readonly<Record<string, unknown>>;

/** Types of numbers, as CEL calls them. */
export type CelTypeName = "int32" | "uint32" | "int" | "uint";

/** How long a buffer is, as in `Arg`. */
export type Length = {
  readonly sizeArgIndex?: number;
  readonly returnCopy?: boolean;
  readonly maxData?: boolean;
};

/** `first` and `last`: the indexes that there are. */
export type LengthPlace = { readonly at: string; readonly first: number; readonly last: number };

/** Where an argument is read. */
export type ArgSource = "system call" | "kernel function" | "program's function" | "tracepoint";

/** A type in C of a kernel function's parameter. */
export type CType =
  | "int"
  | "unsigned int"
  | "unsigned long"
  | "struct file *"
  | "struct path *"
  | "struct dentry *"
  | "struct linux_binprm *"
  | "struct sock *"
  | "struct socket *";

/** A part of a reading: a number, the bytes of a text, or of an address (of which IPv4 in IPv6 is IPv4). */
export type Facet = bigint | Uint8Array;
export type FacetType = "number" | "text" | "address";

/** What a hook reads in one argument, read once: its facets by name. One that is absent meets no condition. */
export type Reading = Readonly<Record<string, Facet | "unknown">>;

/**
 * `unknown`: something is there, and it cannot be told what; negated conditions are met. undefined: by
 * its nature it has nothing to compare (a pipe has no path); no condition is met.
 */
export type MaybeReading = Reading | "unknown" | undefined;

/** One operator of a type: which facet it looks at, and how that is compared with a condition's values. */
export type ArgOperator<F extends Facet = Facet> = Comparison & {
  readonly facet: string;
  /** Met by a facet that is not listed. */
  readonly negated: boolean;
  /** A policy's values in canonical form; what is wrong with them goes to `report`. */
  parse(report: Report, values: readonly string[], place: ValuesPlace): readonly string[];
  /** Whether the facet is one of the values, begins with one, lies in one, as `form` says. */
  lists(facet: F, values: readonly string[]): boolean;
  /** It is written without values. */
  readonly takesNone?: true;
  /** Why an event does not say whether it is met, though the argument is in it. */
  readonly untold?: string;
  /** Test support: values to compare with, where the samples of the type are none. */
  readonly samples?: readonly string[];
};

/** Operators that no policy writes in matchArgs: what other fields of policies are lowered to. */
export const ownArgOperators = [
  ...(["Glob", "User", "Group", "FromImage", "Interactive", "StartsContainer"] as const),
  ...(["Interpreter", "Script", "Digest"] as const),
] as const;
export type OwnArgOperator = (typeof ownArgOperators)[number];

/** How a facet is compared. `glob`: all of it is as the pattern. `mask`: some bit of a value is set. `network`: it is in one of those. `substring`: one is in it. */
type Comparison =
  | { readonly form: "equal" | "prefix" | "postfix" | "glob" | "mask" | "network" }
  | { readonly form: "substring"; readonly ignoresCase: boolean }
  | { readonly form: "range"; spans(values: readonly string[]): readonly Span[] };

/** Numbers from `first` to `last`, both included. */
export type Span = { readonly first: bigint; readonly last: bigint };

export type ValuesPlace = { readonly at: string; readonly type: string };
