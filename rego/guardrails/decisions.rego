# METADATA
# description: |
#   The built-in guard rails. Input: `policy`, accepted by its schema, and `facts` about what it was
#   translated to: where it holds and what it would stop (operator/judge/guard-rails.ts, GuardFacts).
#   The host checks what they answer.
package guardbee.guardrails

import data.guardbee.guardrails.cluster_wide
import data.guardbee.guardrails.host_protection
import data.guardbee.guardrails.namespace_rights
import data.guardbee.guardrails.system_namespaces
import data.guardbee.guardrails.translation

# METADATA
# description: |
#   Name of the guard rail to what it decided: of the first alone where it refuses, else of it and of
#   all others that are switched on.
# entrypoint: true
decisions[name] := decision if {
	count(translation.decision.deny) == 0
	some name, decision in {
		"builtin/cluster-wide": cluster_wide.decision,
		"builtin/host-protection": host_protection.decision,
		"builtin/namespace-rights": namespace_rights.decision,
		"builtin/system-namespaces": system_namespaces.decision,
	}
	not trim_prefix(name, "builtin/") in input.facts.disabled
}

decisions["builtin/translation"] := translation.decision
