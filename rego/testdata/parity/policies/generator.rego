package parity.generator

out contains policy if {
	some w in input.workloads
	paths := object.get(data.corpus.allowed, w.namespace, ["/bin/sh"])
	policy := {
		"apiVersion": "cilium.io/v1alpha1",
		"kind": "ExecPolicyNamespaced",
		"metadata": {"name": sprintf("allow-%s", [w.name]), "namespace": w.namespace},
		"spec": {"podSelector": {"matchLabels": w.labels}, "rules": {"allow": [{"paths": sort(paths)}]}},
	}
}
