/** What of an object's metadata tells who writes it. */
export type OwnerMarks = {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** Which tool writes the object from somewhere else, by the marks that it leaves; undefined: none that is known. */
export function gitOpsOwner({ labels = {}, annotations = {} }: OwnerMarks): string | undefined {
  const marked = (key: string) => Object.hasOwn(labels, key) || Object.hasOwn(annotations, key);
  if (marked("argocd.argoproj.io/tracking-id") || marked("argocd.argoproj.io/instance")) {
    return "Argo CD";
  }
  if (marked("kustomize.toolkit.fluxcd.io/name")) return "Flux";
  if (marked("helm.toolkit.fluxcd.io/name")) return "Flux";
  if (labels["app.kubernetes.io/managed-by"] === "Helm") return "Helm";
  return undefined;
}
