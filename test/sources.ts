import { join } from "node:path";
import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";
import { root } from "./imports.ts";

/** The parsed sources of the repository, by path from its root; `close` ends the compiler. */
export function openSources(): {
  readonly files: ReadonlyMap<string, SourceFile>;
  close(): void;
} {
  const api = new API({ cwd: root });
  const snapshot = api.updateSnapshot({ openProjects: [join(root, "tsconfig.json")] });
  const { program } = snapshot.getProjects()[0]!;
  const own = program
    .getSourceFileNames()
    .filter((name) => name.startsWith(`${root}/`) && !/node_modules|\.d\.ts$/.test(name));
  const files = own.map((name): [string, SourceFile] => [
    name.slice(root.length + 1),
    program.getSourceFile(name)!,
  ]);
  return { files: new Map(files), close: () => api.close() };
}

/** `node` and everything in it. */
export function* nodesIn(node: Node): Generator<Node, void> {
  yield node;
  const children: Node[] = [];
  node.forEachChild((child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesIn(child);
}

const functions: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

export type Span = { readonly name: string; readonly lines: number };

/** Every function of a file, and on how many lines it is. */
export function functionsIn(file: SourceFile): readonly Span[] {
  const lineOf = (at: number) => file.text.slice(0, at).split("\n").length;
  return [...nodesIn(file)]
    .filter(({ kind }) => functions.has(kind))
    .map((node) => {
      const first = lineOf(node.getStart(file));
      const name = (node as { readonly name?: { readonly text?: string } }).name?.text;
      const lines = lineOf(node.end) - first + 1;
      return { name: name ?? `line ${first}`, lines };
    });
}

/**
 * Every function of a file of C or C++ in the styles of this repository: its body begins with a brace
 * at the end of a line, or on a line of its own, and ends with one in the column in which it began.
 */
export function functionsInC(text: string): readonly Span[] {
  const lines = text.split("\n");
  return lines.flatMap((line, at) => {
    const opens = line === "{" || (/^\S.*\)[\w\s]*\{$/.test(line) && !line.startsWith("#"));
    if (!opens) return [];
    const end = lines.findIndex((one, i) => i > at && one.startsWith("}"));
    let head = line === "{" ? at - 1 : at;
    while (head > 0 && /^\s/.test(lines[head]!)) head--;
    const name = /(?:BPF_PROG\(|BPF_KPROBE\()?([\w:~]+)[(,]/.exec(lines[head]!)?.[1];
    return [{ name: name ?? lines[head]!, lines: end - head + 1 }];
  });
}
