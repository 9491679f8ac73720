# METADATA
# description: |
#   No cluster-wide enforcement without a scope: a policy of the cluster that stops whatever calls,
#   in every pod, is a mistake until its label says otherwise. A condition of any kind narrows it.
package guardbee.guardrails.cluster_wide

import data.guardbee.lib.problem

# METADATA
# description: Refuses, or nothing.
decision := {"deny": _deny}

_deny contains problem.at(
	"spec",
	"stops every process of every pod: it has no condition and no scope",
	"add a condition or podSelector, or label it guardbee.io/allow-cluster-wide: \"true\"",
) if {
	input.facts.enforces
	input.facts.narrowing == "none"
	count(object.get(input.facts.scope, "pods", {"labels": {}})) == 0
	object.get(input.policy.metadata.labels, "guardbee.io/allow-cluster-wide", "") != "true"
}
