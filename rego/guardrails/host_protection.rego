# METADATA
# description: |
#   What stops host processes has to say which: without any condition it is refused. With conditions
#   that only say which not, as upstream's examples have them, it is warned of. Kubelet, container
#   runtimes and their like are left out by the kernel, whatever a policy says.
package guardbee.guardrails.host_protection

import data.guardbee.lib.problem

# METADATA
# description: Refuses, warns, or nothing.
decision := {"deny": _deny, "warn": _warn}

_deny contains problem.at(
	"spec",
	"stops every process of the host that makes the call",
	"add podSelector: {} to leave the host out, or a condition on what it stops, such as a path",
) if {
	_stops_on_host
	input.facts.narrowing == "none"
}

_warn contains _message if {
	_stops_on_host
	input.facts.narrowing == "negative"
}

_message := concat("", [
	"stops processes of the host, too, all but those that it excludes (kubelet, container runtimes and ",
	"their like are never stopped); podSelector: {} leaves the host out",
])

_stops_on_host if {
	input.facts.enforces
	input.facts.scope.host
}
