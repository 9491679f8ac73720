# METADATA
# description: |
#   No kill and no deny in the system namespaces. A policy that names one is refused. One of the
#   cluster that selects pods by label has them taken out of its scope. One that holds in every pod
#   keeps its scope, with a warning: to leave a namespace out, a node would have to know the pod
#   first, and what is blocked from a container's first instruction on would not be any more. So does
#   one that asks to hold in pods that are not known yet.
package guardbee.guardrails.system_namespaces

import data.guardbee.lib.problem

_key := "k8s:io.kubernetes.pod.namespace"

_system := {"kube-system", "kube-node-lease", "guardbee-system", input.facts.ownNamespace}

# METADATA
# description: Refuses, changes the scope, warns, or nothing.
decision := object.union({"deny": _deny, "warn": _warn}, _change)

_applies if {
	input.facts.enforces
	object.get(input.policy.metadata.labels, "guardbee.io/allow-system-namespaces", "") != "true"
}

# A label of its own does not help the author of a namespaced policy.
_applies if {
	input.facts.enforces
	_namespace != ""
}

_namespace := object.get(input.policy.metadata, "namespace", "")

_pods := object.get(input.facts.scope, "pods", {})

_labels := object.get(_pods, "labels", {})

_expressions := object.get(_labels, "matchExpressions", [])

_targets contains _namespace if _namespace != ""

_targets contains object.get(_labels, ["matchLabels", _key], "")

_targets contains value if {
	some term in _expressions
	term.key == _key
	term.operator == "In"
	some value in term.values
}

_deny contains problem.at(
	"spec.podSelector",
	sprintf("stops processes in %s, a system namespace", [target]),
	"leave that namespace out, or use monitor mode",
) if {
	_applies
	some target in (_targets & _system)
	_namespace == ""
}

_deny contains problem.at(
	"metadata.namespace",
	sprintf("is %s, a system namespace, and the policy stops processes there", [_namespace]),
	"use another namespace, or monitor mode",
) if {
	_applies
	_namespace in _system
}

_names_a_namespace if object.get(_labels, ["matchLabels", _key], "") != ""

_names_a_namespace if {
	some term in _expressions
	term.key == _key
}

_by_label if {
	_applies
	_namespace == ""
	count(_labels) > 0
	not _names_a_namespace
}

default _change := {}

_change := {"scope": _narrowed} if _by_label

_narrowed := object.union(input.facts.scope, {"pods": object.union(_pods, {"labels": object.union(
	_labels,
	{"matchExpressions": array.concat(
		_expressions,
		[{"key": _key, "operator": "NotIn", "values": sort(_system)}],
	)},
)})})

_warn contains "holds in the system namespaces too; select pods by label to leave them out" if {
	_applies
	_namespace == ""
	count(_pods) == 0
	input.facts.scope.pods == {}
}

_warn contains "holds in pods of the system namespaces too, until they are known: unknownPods is Deny" if {
	_applies
	_namespace == ""
	object.get(_pods, "unknown", "") == "Deny"
}
