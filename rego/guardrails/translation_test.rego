package guardbee.guardrails.translation_test

import data.guardbee.guardrails
import data.guardbee.guardrails.translation
import data.guardbee.lib.problem

_facts := {
	"ownNamespace": "guardbee-system",
	"namespaces": {},
	"mode": "enforce",
	"scope": {"host": false, "pods": {}},
	"enforces": true,
	"narrowing": "positive",
	"disabled": [],
}

_input(kind, metadata, facts) := {
	"policy": {"kind": kind, "metadata": object.union({"name": "a"}, metadata), "spec": {}},
	"facts": {key: object.get(facts, key, value) | some key, value in _facts},
}

_in(namespace, facts) := _input("TracingPolicyNamespaced", {"namespace": namespace}, object.union(
	facts,
	{"scope": {"host": false, "pods": {"namespaces": [namespace]}}},
))

# What policy/lower makes of these policies is compared there (policy/lower/scope.test.ts).
test_accept_every_translation if {
	every case in data.testdata.translations {
		facts := {"scope": case.scope, "mode": case.mode, "enforces": case.mode == "enforce"}
		given := object.union(_input(case.policy.kind, {}, facts), {"policy": case.policy})
		translation.decision.deny == set() with input as given
	}
}

_everywhere := {"scope": {"host": true, "pods": {}}}

_monitored := {"mode": "monitor", "enforces": false}

test_accept_what_holds_everywhere_and_is_no_exec_policy if {
	translation.decision == {"deny": set()} with input as _input("TracingPolicy", {}, _everywhere)
}

test_refuse_enforcing_policy_in_own_namespace if {
	want := {problem.at(
		"metadata.namespace",
		"is guardbee-system, where Guardbee itself runs, and the policy enforces",
		"use another namespace, or monitor mode",
	)}
	translation.decision.deny == want with input as _in("guardbee-system", {})
}

test_accept_monitoring_policy_in_own_namespace if {
	translation.decision.deny == set() with input as _in("guardbee-system", _monitored)
}

test_accept_enforcing_policy_in_other_namespace if {
	translation.decision.deny == set() with input as _in("shop", {})
}

test_accept_policy_of_the_cluster_where_own_namespace_is_not_known if {
	given := _input("TracingPolicy", {}, {"ownNamespace": ""})
	translation.decision.deny == set() with input as given
}

test_refuse_exec_policy_that_stops_host_processes if {
	want := {problem.at(
		"spec.rules",
		"stop processes of the host too, the kubelet and the container runtime among them",
		"add podSelector: {}, or to rules.selectors a matchPIDs item with operator NotIn, isNamespacePID: true, values [0]",
	)}
	every narrowing in ["none", "negative", "positive"] {
		facts := object.union(_everywhere, {"narrowing": narrowing})
		translation.decision.deny == want with input as _input("ExecPolicy", {}, facts)
	}
}

test_accept_exec_policy_for_pods if {
	every scope in [
		{"host": false, "pods": {}},
		{"host": false, "pods": {"labels": {"matchLabels": {"app": "web"}}}},
	] {
		given := _input("ExecPolicy", {}, {"scope": scope})
		translation.decision.deny == set() with input as given
	}
}

test_accept_exec_policy_in_monitor_mode_on_the_host if {
	given := _input("ExecPolicy", {}, object.union(_everywhere, _monitored))
	translation.decision.deny == set() with input as given
}

test_no_other_rail_is_asked_about_what_is_refused if {
	facts := object.union(_everywhere, {"narrowing": "none"})
	refused := guardrails.decisions with input as _input("ExecPolicy", {}, facts)
	object.keys(refused) == {"builtin/translation"}
}

test_it_cannot_be_switched_off if {
	facts := {"disabled": ["translation", "system-namespaces"]}
	decisions := guardrails.decisions with input as _in("guardbee-system", facts)
	count(decisions["builtin/translation"].deny) == 1
}
