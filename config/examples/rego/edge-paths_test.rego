package guardbee.generate_test

import data.guardbee.generate

forbidden := {"search": "/srv/index/"}

policies(name, labels) := found if {
	workload := {"namespace": "shop", "name": name, "labels": labels, "podLabels": {"app": name}}
	found := generate.policies with input as {"workload": workload} with data.forbidden as forbidden
}

test_an_edge_workload_gets_its_own_path if {
	some policy in policies("search", {"tier": "edge"})
	policy.metadata == {"name": "edge-search", "namespace": "shop"}
	policy.spec.podSelector.matchLabels == {"app": "search"}
	policy.spec.kprobes[0].selectors[0].matchArgs[0].values == ["/srv/index/"]
}

test_other_workloads_get_nothing if policies("search", {"tier": "core"}) == set()

test_an_edge_workload_without_a_path_gets_nothing if policies("blog", {"tier": "edge"}) == set()
