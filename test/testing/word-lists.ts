// Every way to list words of the language, for vocabulary.test.ts to find: six of them.

export const keys = { pid: 1, ...{ binary: 2, arg: 3 } };
export const array = ["int", "int64", "file"];
export type Union = "Post" | "Signal" | "Override";
export type Members = { Equal: 1; Prefix: 2; NotEqual: 3 };

export function cases(action: string): number {
  switch (action) {
    case "Post":
    case "Signal":
      return 1;
    case "Override":
      return 2;
    default:
      return 3;
  }
}

export function comparisons(type: string): boolean {
  return type === "fd" || type === "size_t" || type === "uint64";
}

// And what is none.
export const two = ["int", "int64"];
export const mixed = { pid: 1, int: 2, Post: 3 };
