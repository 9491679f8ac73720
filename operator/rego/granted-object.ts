import {
  getObject,
  isKubeError,
  type KubeConnection,
  type KubeObject,
  type Resource,
} from "@guardbee/kube";
import { BundleError } from "../bundle/index.ts";

type Ref = { readonly namespace: string; readonly name: string };

/**
 * An object that the operator has no right to read unless whoever owns its namespace gives it; undefined
 * when there is none. RBAC cannot go by label, so a right to what is labelled would be one to all.
 */
export async function getGranted(
  connection: KubeConnection,
  resource: Resource,
  ref: Ref,
  { account, signal }: { readonly account: Ref; readonly signal: AbortSignal },
): Promise<KubeObject | undefined> {
  try {
    return await getObject(connection, resource, ref, signal);
  } catch (error) {
    if (!isKubeError(error, 403)) throw error;
    const { kind, plural } = resource;
    const what = `${kind} ${ref.namespace}/${ref.name}: the operator may not read it`;
    const grant = formatGrant(plural, ref, account);
    throw new BundleError("InvalidSource", `${what}; allow it: ${grant}`, { cause: error });
  }
}

/** The commands that let `account` get that one object. */
function formatGrant(plural: string, { namespace, name }: Ref, account: Ref): string {
  const role = `guardbee-${plural}-${name}`.slice(0, 253);
  const kubectl = `kubectl -n ${namespace} create`;
  return [
    `${kubectl} role ${role} --verb=get --resource=${plural} --resource-name=${name}`,
    `${kubectl} rolebinding ${role} --role=${role} --serviceaccount=${account.namespace}:${account.name}`,
  ].join(" && ");
}
