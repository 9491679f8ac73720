import { layout } from "../gen/layout.ts";
import { bytesOf, type Values } from "../layout/struct.ts";
import { openShared } from "./free-program.ts";
import type { Loader } from "./loader.ts";
import type { BpfObject } from "./native.ts";

type Request = Partial<Values<typeof layout.follow_request>>;

/**
 * Changes which files are followed, by programs that run in the kernel: what FollowFD adds at the same
 * time a look-up and an update from here would lose.
 */
export class FollowedTable {
  readonly #object: BpfObject;

  private constructor(object: BpfObject) {
    this.#object = object;
  }

  /** What `use` gives of the table. Throws KernelError. */
  static with<Result>(loader: Loader, use: (table: FollowedTable) => Result): Result {
    const object = openShared(loader, "file_free.bpf.o");
    try {
      object.load();
      return use(new FollowedTable(object));
    } finally {
      object.close();
    }
  }

  /** Lets these groups follow a file, which counts for `pod`; false where there is no room for it. */
  adopt(file: bigint, { groups, pod }: { readonly groups: bigint; readonly pod: bigint }): boolean {
    return this.#run("follow_adopt", { file, groups, pod }) === 1;
  }

  forget(file: bigint): void {
    this.#run("follow_forget", { file });
  }

  /** From now on only these groups follow anything. */
  keep(groups: bigint): void {
    this.#run("follow_keep", { groups });
  }

  #run(program: string, request: Request): number {
    return this.#object.run(program, bytesOf(layout.follow_request, request));
  }
}
