import { hashSets, lower, parsePolicyObject, setName } from "@guardbee/policy";
import type { NamedSet } from "../../agent/engine.ts";

/** Workloads of one namespace. */
const inNamespace = 20;

/** So many allow-lists, each of a workload of its own, of 20 rules; all name `programs` and what all workloads run. */
export function allowLists(count: number, programs: readonly string[]): readonly NamedSet[] {
  return Array.from({ length: count }, (_, number) => {
    const parsed = parsePolicyObject({
      apiVersion: "cilium.io/v1alpha1",
      kind: "ExecPolicyNamespaced",
      metadata: { name: `app-${number}`, namespace: `team-${Math.floor(number / inNamespace)}` },
      spec: {
        podSelector: { matchLabels: { app: `app-${number}` } },
        rules: { allow: rulesOf(number, programs) },
      },
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const lowered = lower(parsed.value);
    if (!lowered.ok) throw new Error(JSON.stringify(lowered.problems));
    const set = lowered.value;
    return { name: setName(set.policy), hash: hashSets([set]), set };
  });
}

/** Paths, beginnings and patterns of its own, and what many images have. */
function rulesOf(number: number, programs: readonly string[]) {
  const own = `/srv/app-${number}`;
  const ofImage = { fromImage: true };
  return [
    { paths: programs },
    ...["server", "migrate", "worker", "health", "reload"].map((name) => ({
      paths: [`${own}/bin/${name}`],
    })),
    { pathPrefixes: [`${own}/plugins/`] },
    { pathPrefixes: [`${own}/libexec/`] },
    { pathGlobs: [`${own}/releases/*/bin/*`] },
    { pathGlobs: [`${own}/**/hooks/*.sh`] },
    ...["/bin/sh", "/usr/bin/env", "/usr/bin/tini", "/usr/bin/node", "/usr/bin/curl"].map(
      (path) => ({ paths: [path], ...ofImage }),
    ),
    { pathPrefixes: ["/usr/lib/git-core/"], ...ofImage },
    { pathPrefixes: ["/opt/java/"], ...ofImage },
    { pathGlobs: ["/usr/lib/jvm/*/bin/*"], ...ofImage },
    { pathGlobs: ["/usr/local/**/bin/*"], ...ofImage },
    { pathGlobs: ["/usr/bin/python3*"], ...ofImage },
  ];
}
