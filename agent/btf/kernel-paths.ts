import { readFileSync } from "node:fs";
import { parseBtfPath, registerNamed } from "@guardbee/policy/sets";
import { type FoundPath, findPath } from "./find-path.ts";
import { BtfError, BtfTypes } from "./types.ts";

/** Where paths lead in this kernel, which is asked for each once. */
export class KernelPaths {
  readonly #folder: string;
  readonly #known = new Map<string, FoundPath | string>();
  /** Types that were read: they are many, and are let go with the turn that asked. Written by #typesOf. */
  #types = new Map<string, BtfTypes>();

  /** `folder`: where the kernel has its types and those of its modules. */
  constructor(folder = "/sys/kernel/btf") {
    this.#folder = folder;
  }

  /** Where `path` leads from a struct; a text: why it leads nowhere here. */
  find(struct: string, path: string, module?: string): FoundPath | string {
    const key = `${module ?? ""} ${struct} ${path}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#find(struct, path, module);
    // A module that is not loaded may be later.
    if (typeof found === "object" || module === undefined) this.#known.set(key, found);
    return found;
  }

  /** Where a register of this machine is; a text: it has none of that name. */
  findRegister(name: string, machine: string = process.arch): FoundPath | string {
    const register = registerNamed(name, machine);
    if (register === undefined) return `this machine has no register ${name}`;
    const { place, bytes } = register;
    const path = typeof place === "number" ? `regs[${place}]` : place;
    const found = this.find("pt_regs", path);
    if (typeof found === "string") return found;
    return { ...found, ...{ bytes, isSigned: false, type: undefined, is: "pointer" } };
  }

  #find(struct: string, path: string, module: string | undefined): FoundPath | string {
    const steps = parseBtfPath(path);
    if (typeof steps === "string") return steps;
    try {
      const types = this.#typesOf(module);
      const root = types.structNamed(struct);
      if (root === undefined) return `${module ?? "this kernel"} has no struct ${struct}`;
      return findPath(types, root, steps);
    } catch (error) {
      if (error instanceof BtfError) return `${module ?? "this kernel"}: ${error.message}`;
      const { code } = error as NodeJS.ErrnoException;
      const of =
        module === undefined ? "this kernel says" : `module ${module} is not loaded, or says`;
      return `${of} nothing of its types (BTF): ${code ?? "cannot be read"}`;
    }
  }

  #typesOf(module: string | undefined): BtfTypes {
    const name = module ?? "vmlinux";
    const known = this.#types.get(name);
    if (known !== undefined) return known;
    const base = module === undefined ? undefined : this.#typesOf(undefined);
    const types = new BtfTypes(readFileSync(`${this.#folder}/${name}`), base);
    if (this.#types.size === 0) {
      setImmediate(() => {
        this.#types = new Map();
      });
    }
    this.#types.set(name, types);
    return types;
  }
}
