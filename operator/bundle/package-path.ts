const headCharactersMax = 65_536; // bounds what the expressions below can take
const beginning = /^(?:\s|#[^\n]*(?:\n|$))*package\s+/;
const reference = /([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*|\["(?:[^"\\\n]|\\.)*"\])*)(?=[\s;#]|$)/y;
const segment = /\.([A-Za-z_]\w*)|\[("(?:[^"\\\n]|\\.)*")\]/g;

/**
 * The path of a Rego module's package below `data`, or undefined when the module does not begin with
 * a package clause, within 64 KiB of comments. It reads that clause only; whether the rest is Rego is
 * for the compiler.
 */
export function packagePath(module: string): readonly string[] | undefined {
  const head = module.slice(0, headCharactersMax);
  const start = beginning.exec(head);
  if (start === null) return undefined;
  reference.lastIndex = start[0].length;
  const found = reference.exec(head);
  if (found === null) return undefined;
  const [, first, rest] = found;
  try {
    const others = [...rest!.matchAll(segment)].map(([, name, quoted]) =>
      name === undefined ? (JSON.parse(quoted!) as string) : name,
    );
    return [first!, ...others];
  } catch {
    return undefined; // an escape that is none
  }
}
