/** A cluster of the size that the targets name, the same each time. */
export function anInventory(namespaces: number, workloads: number) {
  return {
    namespaces: Array.from({ length: namespaces }, (_, i) => ({
      name: `team-${i}`,
      labels: { tier: i % 10 === 0 ? "edge" : "inner", "kubernetes.io/metadata.name": `team-${i}` },
    })),
    nodes: [],
    workloads: Array.from({ length: workloads }, (_, i) => aWorkload(i, namespaces)),
  };
}

function aWorkload(i: number, namespaces: number) {
  const name = `service-${i}`;
  return {
    kind: i % 5 === 0 ? "StatefulSet" : "Deployment",
    namespace: `team-${i % namespaces}`,
    name,
    labels: { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": `product-${i % 97}` },
    podLabels: { app: name, tier: i % 20 === 0 ? "edge" : "inner" },
    serviceAccount: name,
    containers: [{ name: "main", image: `registry.example/${name}:1.${i % 30}.0` }],
  };
}
