import { type Alias, type Document, isAlias, type Node, visit } from "yaml";

/** By document. The library itself goes through all of it for each alias. Written by targetOf. */
const known = new WeakMap<Document, ReadonlyMap<Alias, Node>>();

/** What an alias stands for: the last node before it with that anchor; undefined: there is none. */
export function targetOf(alias: Alias, document: Document): Node | undefined {
  const found = known.get(document) ?? targetsIn(document);
  known.set(document, found);
  return found.get(alias);
}

function targetsIn(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}
