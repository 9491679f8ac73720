package guardbee.guardrails_test

import data.guardbee.guardrails
import data.guardbee.guardrails.host_protection
import data.guardbee.guardrails.system_namespaces

_facts := {
	"ownNamespace": "own",
	"namespaces": {},
	"mode": "enforce",
	"scope": {"host": false, "pods": {"labels": {"matchLabels": {"app": "web"}}}},
	"enforces": true,
	"narrowing": "positive",
	"disabled": [],
}

_metadata := {"name": "p", "labels": {}, "annotations": {}}

_input(metadata, facts) := {
	"policy": {"kind": "TracingPolicy", "metadata": object.union(_metadata, metadata), "spec": {}},
	# One level deep: a scope is replaced as a whole.
	"facts": {key: object.get(facts, key, value) | some key, value in _facts},
}

_namespaced(namespace, facts) := _input({"namespace": namespace}, {
	"scope": object.get(facts, "scope", {"host": false, "pods": {"namespaces": [namespace]}}),
	"enforces": object.get(facts, "enforces", true),
})

_denied(given) := {name |
	some name, decision in guardrails.decisions with input as given
	count(decision.deny) > 0
}

_everywhere := {"host": true, "pods": {}}

_every_pod := {"host": false, "pods": {}}

_key := "k8s:io.kubernetes.pod.namespace"

test_every_rail_decides if {
	decisions := guardrails.decisions with input as _input({}, {})
	object.keys(decisions) == {
		"builtin/cluster-wide",
		"builtin/host-protection",
		"builtin/namespace-rights",
		"builtin/system-namespaces",
		"builtin/translation",
	}
}

test_a_rail_that_is_switched_off_does_not_decide if {
	off := {"disabled": ["cluster-wide"]}
	decisions := guardrails.decisions with input as _input({}, off)
	not "builtin/cluster-wide" in object.keys(decisions)
	count(decisions) == 4
}

test_conditions_narrow_what_holds_everywhere if {
	_denied(_input({}, {"scope": _everywhere})) == set()
}

test_refuse_enforcement_without_condition_and_scope if {
	_denied(_input({}, {"scope": _every_pod, "narrowing": "none"})) == {"builtin/cluster-wide"}
	_denied(_input({}, {"narrowing": "none"})) == set()
	_denied(_input({}, {"scope": _every_pod, "narrowing": "none", "enforces": false})) == set()
}

test_the_label_allows_cluster_wide if {
	labels := {"labels": {"guardbee.io/allow-cluster-wide": "true"}}
	_denied(_input(labels, {"scope": _every_pod, "narrowing": "none"})) == set()
}

test_refuse_stopping_every_host_process if {
	_denied(_input({}, {"scope": {"host": true}, "narrowing": "none"})) == {"builtin/host-protection"}
	_denied(_input({}, {"scope": {"host": true}, "narrowing": "none", "enforces": false})) == set()
}

test_warn_of_stopping_host_processes_that_are_not_named if {
	every narrowing, warnings in {"none": 0, "negative": 1, "positive": 0} {
		given := _input({}, {"scope": {"host": true}, "narrowing": narrowing})
		decision := host_protection.decision with input as given
		count(decision.warn) == warnings
	}
	_denied(_input({}, {"scope": {"host": true}, "narrowing": "negative"})) == set()
}

test_refuse_what_leaves_the_namespace if {
	outside := {"scope": {"host": false, "pods": {"namespaces": ["shop", "other"]}}}
	_denied(_namespaced("shop", outside)) == {"builtin/namespace-rights"}
	host := {"scope": {"host": true, "pods": {"namespaces": ["shop"]}}}
	_denied(_namespaced("shop", host)) == {"builtin/namespace-rights"}
	_denied(_namespaced("shop", {"scope": {"host": false}})) == {"builtin/namespace-rights"}
	_denied(_namespaced("shop", {})) == set()
}

test_refuse_enforcement_in_a_system_namespace if {
	every namespace in ["kube-system", "kube-node-lease", "guardbee-system", "own"] {
		count(system_namespaces.decision.deny) == 1 with input as _namespaced(namespace, {})
		_denied(_namespaced(namespace, {"enforces": false})) == set()
	}
	every namespace in ["kube-system", "kube-node-lease", "guardbee-system"] {
		_denied(_namespaced(namespace, {})) == {"builtin/system-namespaces"}
	}
	_denied(_namespaced("own", {})) == {"builtin/translation"}
}

test_no_label_allows_a_namespaced_author_more if {
	given := _namespaced("kube-system", {})
	label := {"guardbee.io/allow-system-namespaces": "true"}
	labelled := json.patch(given, [{"op": "replace", "path": "/policy/metadata/labels", "value": label}])
	_denied(labelled) == {"builtin/system-namespaces"}
}

_targeting := [
	{"matchLabels": {_key: "kube-system"}},
	{"matchExpressions": [{"key": _key, "operator": "In", "values": ["shop", "kube-system"]}]},
]

test_refuse_a_selector_that_names_a_system_namespace if {
	every labels in _targeting {
		facts := {"scope": {"host": false, "pods": {"labels": labels}}}
		_denied(_input({}, facts)) == {"builtin/system-namespaces"}
		allowed := {"labels": {"guardbee.io/allow-system-namespaces": "true"}}
		_denied(_input(allowed, facts)) == set()
	}
}

test_take_system_namespaces_out_of_what_selects_by_label if {
	decisions := guardrails.decisions with input as _input({}, {})
	decisions["builtin/system-namespaces"].scope == {"host": false, "pods": {"labels": {
		"matchLabels": {"app": "web"},
		"matchExpressions": [{
			"key": _key,
			"operator": "NotIn",
			"values": ["guardbee-system", "kube-node-lease", "kube-system", "own"],
		}],
	}}}
}

test_leave_a_scope_that_names_namespaces if {
	every labels in [
		{"matchLabels": {_key: "shop"}},
		{"matchExpressions": [{"key": _key, "operator": "NotIn", "values": ["shop"]}]},
	] {
		facts := {"scope": {"host": false, "pods": {"labels": labels}}}
		decisions := guardrails.decisions with input as _input({}, facts)
		not decisions["builtin/system-namespaces"].scope
	}
}

test_warn_of_what_holds_in_pods_that_are_not_known if {
	pods := {"labels": {"matchLabels": {"app": "web"}}, "unknown": "Deny"}
	given := _input({}, {"scope": {"host": false, "pods": pods}})
	decision := system_namespaces.decision with input as given
	count(decision.warn) == 1
	decision.scope.pods.unknown == "Deny"
	allowed := _input({"labels": {"guardbee.io/allow-system-namespaces": "true"}}, {"scope": {"host": false, "pods": pods}})
	count(system_namespaces.decision.warn) == 0 with input as allowed
}

test_warn_of_what_holds_in_every_pod if {
	decisions := guardrails.decisions with input as _input({}, {"scope": _every_pod})
	count(decisions["builtin/system-namespaces"].warn) == 1
	quiet := guardrails.decisions with input as _input({}, {"scope": {"host": true}})
	count(quiet["builtin/system-namespaces"].warn) == 0
}
