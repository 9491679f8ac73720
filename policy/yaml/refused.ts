import { type Document, isScalar, Scalar, visit } from "yaml";

/** What kubectl does not take. */
export type Refused = {
  readonly error: string;
  readonly fix: string;
  readonly offset: number;
};

/**
 * What the parser here takes, and kubectl (go.yaml.in/yaml/v2, YAML 1.1) refuses or reads otherwise;
 * `document` is what `text` begins with.
 */
export function refusedBeside(text: string, document: Document | undefined): Refused | undefined {
  const wrong = refusedText(text);
  if (wrong !== undefined || document === undefined) return wrong;
  const { rows, escapes } = scalarsAndFlows(text, document);
  const [first] = escapes;
  if (first !== undefined) {
    const error = "has the escape \\/, which kubectl does not take";
    return { error, fix: "write / alone", offset: first };
  }
  for (const { index, 0: row } of text.matchAll(/^ *(?:-?\t)/gm)) {
    const tab = index + row.length - 1;
    // Text in a block scalar is indented with spaces first.
    const inside = rows.find(({ start, end }) => start < tab && tab < end);
    if (inside !== undefined && !(inside.block && row === "\t")) continue;
    const error = "has a tab where kubectl takes spaces alone";
    return { error, fix: "indent with spaces", offset: tab };
  }
  return undefined;
}

function refusedText(text: string): Refused | undefined {
  const separator = /[\u0085\u2028\u2029]/.exec(text);
  if (separator !== null) {
    const error = `has ${codeOf(separator[0])}, which kubectl takes for the end of a row`;
    const fix = 'remove it, or write it in double quotes as an escape such as "\\u2028"';
    return { error, fix, offset: separator.index };
  }
  const start = /^(?:[ \t]*(?:#.*)?\n)*(%|\.\.\.(?=\s|$))/.exec(text);
  if (start !== null) {
    const error = `begins with ${start[1]}, which kubectl does not take`;
    return { error, fix: "remove that row", offset: start[0].length - 1 };
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = /[\0-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]/.exec(text);
  if (control === null) return undefined;
  const error = `has the control character ${codeOf(control[0])}, which kubectl does not take`;
  const fix = 'remove it, or write it in double quotes as an escape such as "\\x01"';
  return { error, fix, offset: control.index };
}

type Rows = { readonly start: number; readonly end: number; readonly block: boolean };

/** Where tabs are no indentation, and where `\/` stands. */
function scalarsAndFlows(
  text: string,
  document: Document,
): { readonly rows: readonly Rows[]; readonly escapes: readonly number[] } {
  const rows: Rows[] = [];
  const escapes: number[] = [];
  visit(document, {
    Node(_key, node) {
      const [start, end] = node.range ?? [0, 0];
      if (isScalar(node)) {
        const block = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
        if (node.type !== Scalar.PLAIN) rows.push({ start, end, block });
        if (node.type !== Scalar.QUOTE_DOUBLE) return;
        const before = /^(?:[^\\]|\\[^/])*\\\//.exec(text.slice(start, end));
        if (before !== null) escapes.push(start + before[0].length - 2);
      } else if ((node as { flow?: boolean }).flow === true)
        rows.push({ start, end, block: false });
    },
  });
  return { rows, escapes };
}

function codeOf(char: string): string {
  return `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
