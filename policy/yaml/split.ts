/** What kubectl parses as one document. */
export type Chunk =
  | {
      readonly text: string;
      readonly json: boolean;
      /** Of its first row, from 1. */
      readonly line: number;
    }
  | { readonly error: string; readonly fix: string; readonly line: number };

/**
 * A file's documents as kubectl takes them apart (k8s.io/apimachinery/pkg/util/yaml): what begins
 * with a brace is a stream of JSON values, as long as they are JSON; else a row that begins with
 * `---` ends a document, whatever YAML says of it. Nothing after the first error.
 */
export function splitDocuments(text: string): readonly Chunk[] {
  if (!/^\s*\{/.test(text.slice(0, 4096))) return splitYaml(text, 1);
  const chunks: Chunk[] = [];
  let line = 1;
  for (let at = 0; ; ) {
    let start = at;
    for (; start < text.length && " \t\r\n".includes(text[start]!); start++) {
      if (text[start] === "\n") line++;
    }
    if (start === text.length) return chunks;
    const end = endOfJson(text, start);
    if (end !== undefined && isJson(text.slice(start, end))) {
      const json = text.slice(start, end);
      chunks.push({ text: json, json: true, line });
      line += json.split("\n").length - 1;
      at = end;
      continue;
    }
    // Past two values kubectl no longer takes it for YAML.
    if (chunks.length > 1) {
      const fix = "correct the text there, or separate YAML documents with ---";
      return [...chunks, { error: "is not valid JSON", fix, line }];
    }
    const rest = chunks.length === 0 ? at : at + /^[^\S\n]*\n?/.exec(text.slice(at))![0].length;
    return [...chunks, ...splitYaml(text.slice(rest), lineAt(text, rest))];
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Where the object or list at `start` ends; undefined: it does not. */
function endOfJson(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let i = start; i < text.length; i++) {
    const char = text[i]!;
    if (quoted) {
      if (char === "\\") i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return i + 1;
    if (depth === 0 && !quoted) return undefined;
  }
  return undefined;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf("\n"); i !== -1 && i < offset; i = text.indexOf("\n", i + 1)) line++;
  return line;
}

function splitYaml(text: string, firstLine: number): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let rows: string[] = [];
  let start = firstLine;
  const flush = () => {
    if (rows.length > 0) chunks.push({ text: rows.join(""), json: false, line: start });
    rows = [];
  };
  // Each row ends in \n alone, the last one too: kubectl's reader makes it so.
  const all = text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  for (const [i, row] of all.entries()) {
    if (!row.startsWith("---")) {
      rows.push(`${row}\n`);
      continue;
    }
    const line = firstLine + i;
    const after = row.slice(3).trim();
    if (after !== "" && !after.startsWith("#")) {
      const error = "has text after ---, so kubectl reads neither what is before nor behind it";
      return [...chunks, { error, fix: "begin the document in the next row", line }];
    }
    flush();
    start = line + 1;
  }
  flush();
  return chunks;
}
