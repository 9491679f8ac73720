# METADATA
# description: |
#   Nothing that the author of a namespaced policy has no right to: it holds for the pods of its own
#   namespace, and for no host process.
package guardbee.guardrails.namespace_rights

import data.guardbee.lib.problem

# METADATA
# description: Refuses, or nothing.
decision := {"deny": _deny}

_namespace := object.get(input.policy.metadata, "namespace", "")

_deny contains problem.at(
	"spec",
	"holds for host processes, and is a policy of one namespace",
	"use the kind without Namespaced",
) if {
	_namespace != ""
	input.facts.scope.host
}

_deny contains problem.at(
	"spec.podSelector",
	"reaches pods outside its own namespace",
	"use the kind without Namespaced",
) if {
	_namespace != ""
	object.get(object.get(input.facts.scope, "pods", {}), "namespaces", []) != [_namespace]
}
