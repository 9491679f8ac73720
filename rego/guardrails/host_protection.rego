# METADATA
# description: |
#   Never a scope that covers the kubelet, the container runtime or Guardbee itself: they are host
#   processes, so what stops host processes has to say which, and not only which not.
package guardbee.guardrails.host_protection

import data.guardbee.lib.problem

# METADATA
# description: Refuses, or nothing.
decision := {"deny": _deny}

_deny contains problem.at(
	"spec",
	"stops host processes, the kubelet and the container runtime among them",
	"add podSelector: {} to leave the host out, or a condition on what it stops, such as a path",
) if {
	input.facts.enforces
	input.facts.scope.host
	input.facts.narrowing != "positive"
}
