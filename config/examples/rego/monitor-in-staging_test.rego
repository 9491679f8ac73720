package guardbee.guardrail_test

import data.guardbee.guardrail

decision(namespace, annotations) := found if {
	policy := {"metadata": {"name": "p", "namespace": namespace, "annotations": annotations}}
	namespaces := {"trial": {"stage": "staging"}, "shop": {"stage": "production"}}
	facts := {"enforces": true, "namespaces": namespaces}
	found := guardrail.decision with input as {"policy": policy, "facts": facts}
}

test_changes_to_monitor_in_staging if decision("trial", {}) == {"mode": "monitor"}

test_refuses_without_an_owner if {
	{problem.field | some problem in decision("shop", {}).deny} == {"metadata.annotations[example.com/owner]"}
}

test_allows_with_an_owner if decision("shop", {"example.com/owner": "team-a"}) == {"deny": set()}
