/**
 * Numbers that change with what guard rails would decide, so that a judgement is made again when it may
 * come out otherwise, and only then: a tenant that edits its guard rails all day has its own
 * policies judged all day.
 */
export class GuardVersions {
  /** Of the cluster's guard rails, and of facts about all namespaces. Written by bump. */
  #cluster = 0;
  /** By namespace, of its own guard rails. Written by bump. */
  readonly #namespaces = new Map<string, number>();

  /** Those of `namespace` decide otherwise; undefined: those of the cluster do. */
  bump(namespace: string | undefined): void {
    if (namespace === undefined) this.#cluster++;
    else this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + 1);
  }

  /** For a policy of `namespace`, or one of the cluster or that the cluster generates. */
  of(namespace: string | undefined): string {
    const own = namespace === undefined ? undefined : this.#namespaces.get(namespace);
    return own === undefined ? `${this.#cluster}` : `${this.#cluster} ${own}`;
  }
}
