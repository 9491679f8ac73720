# METADATA
# description: |
#   The first guard rail: accepts or refuses what a policy was translated to. Scope and mode are given,
#   as policy/lower has them; what is decided here is whether Guardbee takes such a policy at all. It
#   cannot be switched off, and the others are asked about what it has accepted.
package guardbee.guardrails.translation

import data.guardbee.lib.problem

# METADATA
# description: Refuses, or nothing.
decision := {"deny": _deny}

_namespace := object.get(input.policy.metadata, "namespace", "")

_deny contains problem.at(
	"metadata.namespace",
	sprintf("is %s, where Guardbee itself runs, and the policy enforces", [_namespace]),
	"use another namespace, or monitor mode",
) if {
	_namespace != ""
	_namespace == input.facts.ownNamespace
	input.facts.enforces
}

# Without this, an ExecPolicy that names no scope would stop the kubelet and the container runtime.
_deny contains problem.at(
	"spec.rules",
	"stop processes of the host too, the kubelet and the container runtime among them",
	"add podSelector: {}, or to rules.selectors a matchPIDs item with operator NotIn, isNamespacePID: true, values [0]",
) if {
	startswith(input.policy.kind, "ExecPolicy")
	input.facts.scope.host
	input.facts.enforces
}
