# METADATA
# description: |
#   The built-in guard rails, all at once. Input: `policy`, accepted by its schema, and `facts` about
#   where it holds and what it would stop (operator/rego/guard-rails.ts, GuardFacts). Each rail can be
#   switched off by name; the host checks what they answer.
package guardbee.guardrails

import data.guardbee.guardrails.cluster_wide
import data.guardbee.guardrails.host_protection
import data.guardbee.guardrails.namespace_rights
import data.guardbee.guardrails.system_namespaces

# METADATA
# description: Name of the guard rail to what it decided. Only those that are switched on.
# entrypoint: true
decisions[name] := decision if {
	some name, decision in {
		"builtin/cluster-wide": cluster_wide.decision,
		"builtin/host-protection": host_protection.decision,
		"builtin/namespace-rights": namespace_rights.decision,
		"builtin/system-namespaces": system_namespaces.decision,
	}
	not trim_prefix(name, "builtin/") in input.facts.disabled
}
