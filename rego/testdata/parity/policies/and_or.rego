package parity.and_or

import future.keywords.and
import future.keywords.or

out contains w.name if {
	some w in input.workloads
	w.replicas == 2 or w.serviceAccount == "web" or count(w.none) == 1
}

out contains {"both": w.name} if {
	some w in input.workloads
	w.namespace == "pay" or w.labels.tier == "edge" and w.name
}

out contains "any" if input.undefined == 1 or input.workloads[2].replicas == 2

out contains "all" if input.workloads and input.nodes and count(input.nodes) > 1

out contains {"listed": [w.name | some w in input.workloads; w.labels.app == "web" or w.labels.app == "db"]}

out contains "every" if {
	every w in input.workloads {
		w.labels.app or w.name == "dns"
	}
}

_edge(w) if w.labels.tier == "edge" or w.namespace == "pay"

out contains {"edge": w.name} if {
	some w in input.workloads
	_edge(w)
	not w.replicas
}
