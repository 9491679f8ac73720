/**
 * What a request to the API server is about: `nodes`, `nodepolicysets.guardbee.io`,
 * `tracingpolicies.cilium.io/status`. Never a name, so that there are as many as kinds.
 */
export function resourceIn(path: string): string {
  const [root, ...rest] = path.split("/").filter((part) => part !== "");
  const [group, ...below] = root === "apis" ? rest : ["", ...rest];
  const [, ...parts] = below; // without the version
  const [first, name, ...more] = parts;
  if (first === undefined) return "other";
  // `namespaces/x/pods/y/log`, but `namespaces/x` and `namespaces/x/status` are about a namespace.
  const inNamespace = first === "namespaces" && more.length > 0 && !isSubresource(more[0]!);
  const [plural, subresource] = inNamespace ? [more[0], more[2]] : [first, more[0]];
  const of = group === "" ? plural : `${plural}.${group}`;
  return name === undefined || subresource === undefined ? String(of) : `${of}/${subresource}`;
}

function isSubresource(word: string): boolean {
  return word === "status" || word === "finalize";
}
