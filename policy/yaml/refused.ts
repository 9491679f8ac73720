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
  const { rows, scalars } = scalarsAndFlows(text, document);
  const [first] = scalars;
  if (first !== undefined) return first;
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
  const control = /[\0-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]/.exec(text);
  if (control === null) return undefined;
  const error = `has the control character ${codeOf(control[0])}, which kubectl does not take`;
  const fix = 'remove it, or write it in double quotes as an escape such as "\\x01"';
  return { error, fix, offset: control.index };
}

type Rows = { readonly start: number; readonly end: number; readonly block: boolean };

/** Where tabs are no indentation, and the scalars that kubectl refuses. */
function scalarsAndFlows(
  text: string,
  document: Document,
): { readonly rows: readonly Rows[]; readonly scalars: readonly Refused[] } {
  const rows: Rows[] = [];
  const scalars: Refused[] = [];
  visit(document, {
    Node(_key, node, path) {
      const [start, end] = node.range ?? [0, 0];
      if (isScalar(node)) {
        const block = node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED;
        if (node.type !== Scalar.PLAIN) rows.push({ start, end, block });
        const inFlow = path.some((one) => (one as { flow?: boolean }).flow === true);
        const written = text.slice(start, end);
        let wrong: Refused | undefined;
        if (node.type === Scalar.QUOTE_DOUBLE) wrong = refusedEscape(written);
        else if (node.type === Scalar.PLAIN && inFlow) {
          wrong = refusedInFlow(written, text.slice(end, end + 2));
        }
        if (wrong !== undefined) scalars.push({ ...wrong, offset: start + wrong.offset });
      } else if ((node as { flow?: boolean }).flow === true)
        rows.push({ start, end, block: false });
    },
  });
  return { rows, scalars };
}

/** A plain scalar between brackets, and the two characters behind it. */
function refusedInFlow(text: string, behind: string): Refused | undefined {
  const mark = /\?|^:/.exec(text);
  if (mark !== null) {
    const error = `has ${mark[0]} in text between brackets, where it is no text for kubectl`;
    return { error, fix: "put the text in quotes", offset: mark.index };
  }
  if (!/^:[,[\]{}]$/.test(behind)) return undefined;
  const error = "has nothing between the : of a key and the next mark, so it is text for kubectl";
  return { error, fix: "write a space behind the :", offset: text.length };
}

function refusedEscape(text: string): Refused | undefined {
  for (const { 0: written, index } of text.matchAll(/\\(?:u.{4}|U.{8}|[^uU])/gs)) {
    const half = /^\\(u|U0000)d[89a-f]/i.test(written);
    if (written !== "\\/" && !half) continue;
    const error = `has the escape ${written}, which kubectl does not take`;
    const fix = half ? "write the character itself, or \\U and its 8 digits" : "write / alone";
    return { error, fix, offset: index };
  }
  return undefined;
}

function codeOf(char: string): string {
  return `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
