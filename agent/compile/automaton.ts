/** What finds texts in a text: a table of states, and which texts end in which of them. */
export type Automaton = {
  /** By state: the next one for each class. 0 is the first; those in which a text ends are from 1. */
  readonly next: readonly Uint16Array[];
  /** Of each byte. */
  readonly classes: Uint8Array;
  readonly classBits: number;
  /** Of the states from 1 on, in which some text ends: which do. */
  readonly ends: readonly ReadonlySet<string>[];
};

type Node = {
  readonly children: Map<number, Node>;
  /** Where its longest own end leads that some text begins with. */
  fallback: Node | undefined;
  /** Texts that end here, those of its fallback among them. */
  readonly texts: Set<string>;
  number: number;
};

/**
 * The automaton of Aho and Corasick for `texts`, byte strings (latin1) that are not empty, with every
 * step worked out; `classOf`: what counts as one byte.
 */
export function automatonOf(
  texts: readonly string[],
  classOf: (byte: number) => number = (byte) => byte,
): Automaton {
  const classes = classesOf(texts, classOf);
  const classBits = Math.max(1, Math.ceil(Math.log2(Math.max(...classes) + 1)));
  const nodes = trieOf(texts, classes);
  for (const node of nodes) {
    for (const [byClass, child] of node.children) {
      child.fallback = stepOf(node.fallback, byClass) ?? nodes[0]!;
      for (const text of child.fallback.texts) child.texts.add(text);
    }
  }
  const [root, ...others] = nodes;
  const ending = others.filter(({ texts }) => texts.size > 0);
  const numbered = [root!, ...ending, ...others.filter(({ texts }) => texts.size === 0)];
  for (const [number, node] of numbered.entries()) node.number = number;
  const rows = new Map<Node, Uint16Array>();
  // From the root on: a node's fallback is shorter, so its row is there.
  for (const node of nodes) {
    const row = rows.get(node.fallback!)?.slice() ?? new Uint16Array(1 << classBits);
    for (const [byClass, child] of node.children) row[byClass] = child.number;
    rows.set(node, row);
  }
  return {
    ...{ classes, classBits },
    next: numbered.map((node) => rows.get(node)!),
    ends: ending.map(({ texts }) => texts),
  };
}

/** Bytes that no text has are one class, 0. */
function classesOf(texts: readonly string[], classOf: (byte: number) => number): Uint8Array {
  const known = new Map<number, number>();
  for (const text of texts) {
    for (const byte of Buffer.from(text, "latin1")) {
      const one = classOf(byte);
      if (!known.has(one)) known.set(one, known.size + 1);
    }
  }
  if (known.size > 255) known.delete([...known.keys()].at(-1)!); // then every byte has its own
  return Uint8Array.from({ length: 256 }, (_, byte) => known.get(classOf(byte)) ?? 0);
}

/** The nodes of all beginnings, shorter ones first. */
function trieOf(texts: readonly string[], classes: Uint8Array): readonly Node[] {
  const newNode = (): Node => ({
    ...{ children: new Map(), fallback: undefined, texts: new Set(), number: 0 },
  });
  const root = newNode();
  for (const text of texts) {
    let node = root;
    for (const byte of Buffer.from(text, "latin1")) {
      const child = node.children.get(classes[byte]!) ?? newNode();
      node.children.set(classes[byte]!, child);
      node = child;
    }
    node.texts.add(text);
  }
  const nodes = [root];
  for (const node of nodes) nodes.push(...node.children.values());
  return nodes;
}

function stepOf(from: Node | undefined, byClass: number): Node | undefined {
  for (let node = from; node !== undefined; node = node.fallback) {
    const child = node.children.get(byClass);
    if (child !== undefined) return child;
  }
  return undefined;
}
