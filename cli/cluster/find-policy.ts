import { getObject, isKubeError, type ObjectRef, type Resource } from "@guardbee/kube";
import { type PolicyEntry, policyResources, projectPolicy } from "@guardbee/operator/view";
import { policyKinds, regoKinds } from "@guardbee/policy";
import { UsageError } from "../command.ts";
import { type Cluster, Rejection } from "./connection.ts";

type PolicyResource = PolicyEntry["resource"];
const kinds = [...policyKinds, ...regoKinds];

/** `web`, `tracingpolicy/web` or `tgtp/web`: which kinds are meant, and the name. */
function parsePolicyName(text: string): {
  readonly candidates: readonly PolicyResource[];
  readonly name: string;
} {
  const [first = "", name, ...more] = text.split("/");
  if (more.length > 0 || first === "" || name === "") {
    throw new UsageError(`${text}: is no policy; write NAME or KIND/NAME`);
  }
  if (name === undefined) return { candidates: policyResources, name: first };
  const word = first.toLowerCase();
  const found = kinds.find(
    ({ kind, plural, shortNames }) =>
      kind.toLowerCase() === word || plural === word || shortNames.includes(word),
  );
  if (found === undefined) {
    const known = kinds.map(({ kind }) => kind).join(", ");
    throw new UsageError(`${first}: is no kind of policy; there are ${known}`);
  }
  return { candidates: policyResources.filter(({ kind }) => kind === found.kind), name };
}

/** The one policy of that name; namespaced kinds are looked for in `namespace`. */
export async function findPolicy(
  text: string,
  namespace: string | undefined,
  { connection, signal }: Cluster,
): Promise<PolicyEntry> {
  const { candidates, name } = parsePolicyName(text);
  const within = namespace ?? connection.namespace;
  const refOf = (resource: Resource): ObjectRef =>
    resource.namespaced ? { name, namespace: within } : { name };
  const found = await Promise.all(
    candidates.map(async (resource) => {
      const raw = await getObject(connection, resource, refOf(resource), signal);
      return raw === undefined ? [] : [projectPolicy(resource, raw)];
    }),
  );
  const [policy, ...others] = found.flat();
  if (policy === undefined) {
    await assertInstalled({ connection, signal });
    const where = candidates.some(({ namespaced }) => namespaced) ? ` in namespace ${within}` : "";
    const all = "see guardbee status, which lists them all";
    throw new Rejection(`${text}: there is no such policy${where}; ${all}`);
  }
  if (others.length > 0) {
    const names = [policy, ...others].map((one) => `${one.resource.kind}/${name}`).join(", ");
    throw new Rejection(`${text}: is several policies; write one of ${names}`);
  }
  return policy;
}

/** Throws when the cluster has never heard of Guardbee: "not found" would mislead. */
export async function assertInstalled({ connection, signal }: Cluster): Promise<void> {
  try {
    await connection.request({ path: "/apis/guardbee.io/v1alpha1" }, signal);
  } catch (error) {
    if (isKubeError(error, 404)) throw notInstalled(connection.server);
    throw error;
  }
}

export function notInstalled(server: string): Rejection {
  const fix = "install Guardbee there, or choose another --context";
  return new Rejection(`${server}: does not serve guardbee.io/v1alpha1; ${fix}`);
}
