package guardbee.translate_test

import data.guardbee.lib.problem
import data.guardbee.translate

test_accept_every_case_with_its_scope_and_mode if {
	every case in data.testdata.translate_cases {
		want := {"accepted": true, "problems": [], "scope": case.scope, "mode": case.mode}
		translate.result == want with input as {"policy": case.policy}
	}
}

# What was deliberately left to the schema must not make the decision undefined.
test_accept_policy_without_spec if {
	translate.result.accepted with input as {"policy": {"kind": "TracingPolicy", "metadata": {}}}
}

test_refuse_namespaced_policy_with_host_selector if {
	want := [problem.at(
		"spec.hostSelector",
		"is given in a namespaced policy",
		"remove it: a namespaced policy holds only for the pods of its namespace",
	)]
	given := _tracing({"namespace": "shop"}, {"hostSelector": {}})
	translate.result.problems == want with input as given
	not translate.result.accepted with input as given
	not translate.result.scope.host with input as given
}

test_refuse_enforcing_policy_in_own_namespace if {
	want := [problem.at(
		"metadata.namespace",
		"is guardbee-system, where Guardbee itself runs, and the policy enforces",
		"use another namespace, or monitor mode",
	)]
	translate.result.problems == want with input as _tracing({"namespace": "guardbee-system"}, _kill)
}

test_accept_monitoring_policy_in_own_namespace if {
	monitor := {"options": [{"name": "policy-mode", "value": "monitor"}]}
	spec := object.union(_kill, monitor)
	translate.result.accepted with input as _tracing({"namespace": "guardbee-system"}, spec)
}

test_accept_enforcing_policy_in_other_namespace if {
	translate.result.accepted with input as _tracing({"namespace": "shop"}, _kill)
}

test_accept_exec_policy_for_pods_by_pid_and_keep_it_off_the_host if {
	given := _exec([_pids("NotIn", [0], true), _exec_kill], {})
	translate.result.accepted with input as given
	translate.result.scope == {"host": false, "pods": {}} with input as given
}

test_refuse_exec_policy_that_stops_host_processes if {
	want := [problem.at(
		"spec.rules.selectors",
		"stop processes of the host too, the kubelet and the container runtime among them",
		"add podSelector: {}, or a matchPIDs item with operator NotIn, isNamespacePID: true, values [0]",
	)]
	refused := [
		[_exec_kill],
		[_pids("NotIn", [0], false), _exec_kill],
		[_pids("In", [0], true), _exec_kill],
		[_pids("NotIn", [1], true), _exec_kill],
	]
	every items in refused {
		translate.result.problems == want with input as _exec(items, {})
	}
}

test_accept_exec_policy_with_pod_selector if {
	given := _exec([_exec_kill], {"podSelector": {"matchLabels": {"app": "web"}}})
	translate.result.accepted with input as given
}

test_accept_exec_policy_in_monitor_mode_on_the_host if {
	given := _exec([_exec_kill], {"mode": "monitor"})
	translate.result.accepted with input as given
	translate.result.mode == "monitor" with input as given
	translate.result.scope.host with input as given
}

test_refuse_allow_list_that_holds_on_the_host if {
	given := {"policy": {
		"kind": "ExecPolicy",
		"metadata": {"name": "a"},
		"spec": {"mode": "enforce", "rules": {"allow": [{"paths": ["/bin/true"]}]}},
	}}
	not translate.result.accepted with input as given
}

_kill := {"kprobes": [{"call": "sys_write", "selectors": [{"matchActions": [{"action": "Sigkill"}]}]}]}

_exec_kill := {"matchActions": [{"action": "Sigkill"}]}

_pids(operator, values, namespaced) := {"matchPIDs": [{
	"operator": operator,
	"values": values,
	"isNamespacePID": namespaced,
}]}

_tracing(metadata, spec) := {
	"policy": {
		"kind": "TracingPolicyNamespaced",
		"metadata": object.union({"name": "a"}, metadata),
		"spec": spec,
	},
	"facts": {"ownNamespace": "guardbee-system"},
}

_exec(items, spec) := {"policy": {
	"kind": "ExecPolicy",
	"metadata": {"name": "a"},
	"spec": object.union({"mode": "enforce", "rules": {"selectors": items}}, spec),
}}
