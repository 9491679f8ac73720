# Namespaces with label protect=<name> get the paths that `data.protected` lists under that name, which
# nobody there may open.
package guardbee.generate

policies contains policy if {
	paths := data.protected[input.namespace.labels.protect]
	policy := {
		"kind": "TracingPolicyNamespaced",
		"metadata": {"name": "protected-paths", "namespace": input.namespace.name},
		"spec": {"kprobes": [{
			"call": "fd_install",
			"syscall": false,
			"args": [{"index": 0, "type": "int"}, {"index": 1, "type": "file"}],
			"selectors": [{
				"matchArgs": [{"index": 1, "operator": "Prefix", "values": paths}],
				"matchActions": [{"action": "Sigkill"}],
			}],
		}]},
	}
}
