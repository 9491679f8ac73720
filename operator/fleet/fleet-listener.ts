/** Told which policies (by set name) and nodes (by name) a change concerns. Never told twice why. */
export type FleetListener = {
  readonly policyChanged: (setName: string) => void;
  readonly nodeChanged: (node: string) => void;
  /** Labels of a namespace, or its being there, have changed. */
  readonly namespaceChanged: (name: string) => void;
  /** A node's labels, architecture or kernel, or its being there, have changed. */
  readonly nodeFactsChanged: () => void;
};

/** Before a run nothing changes. */
export const deaf: FleetListener = {
  policyChanged() {},
  nodeChanged() {},
  namespaceChanged() {},
  nodeFactsChanged() {},
};
