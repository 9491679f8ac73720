# METADATA
# description: |
#   Decides whether a policy is accepted, where it holds and in which mode. Input: `policy`, an object
#   that its schema has accepted, and `facts.ownNamespace`, where Guardbee itself runs. The caller
#   checks the result again, puts scope labels into canonical order, and lowers the rest.
package guardbee.translate

import data.guardbee.lib.problem

# METADATA
# description: The decision. Always defined; `problems` is sorted, and empty exactly when accepted.
# entrypoint: true
result := {
	"accepted": count(_problems) == 0,
	"problems": sort(_problems),
	"scope": _scope,
	"mode": _mode,
}

_spec := object.get(input.policy, "spec", {})

_namespace := object.get(input.policy.metadata, "namespace", "")

_own_namespace := object.get(object.get(input, "facts", {}), "ownNamespace", "")

# Given at all: an empty selector selects everything, an absent one says nothing.
_given(field) if object.get(_spec, field, null) != null

_selects_pods if _given("podSelector")

_selects_pods if _given("containerSelector")

_is_exec if startswith(input.policy.kind, "ExecPolicy")

# Upstream's rules: a namespaced policy never leaves the pods of its namespace; a pod or container
# selector alone means pods only, hostSelector alone the host only, none of them everywhere.
_scope := {"host": _host, "pods": _pods} if _holds_for_pods

_scope := {"host": _host} if not _holds_for_pods

_holds_for_pods if _namespace != ""

_holds_for_pods if _selects_pods

_holds_for_pods if not _given("hostSelector")

default _host := false

_host if {
	_namespace == ""
	_given("hostSelector")
}

_host if {
	_namespace == ""
	not _selects_pods
	not _pods_only_by_pid
}

# Upstream writes "no process of the host's pid namespace" as pid NotIn 0. Items of an ExecPolicy are
# all ANDed, so one such item keeps the whole policy away from the host: kubelet, container runtime
# and agent are then out of its scope, not only out of its conditions.
_pods_only_by_pid if {
	_is_exec
	some item in _exec_items
	some condition in object.get(item, "matchPIDs", [])
	condition.operator == "NotIn"
	object.get(condition, "isNamespacePID", false)
	0 in condition.values
}

_exec_items := object.get(object.get(_spec, "rules", {}), "selectors", [])

_pods[key] := value if some key, value in _pod_parts

_pod_parts["namespaces"] := [_namespace] if _namespace != ""

_pod_parts["labels"] := _spec.podSelector if not _empty("podSelector")

_pod_parts["containers"] := _spec.containerSelector if not _empty("containerSelector")

_empty(field) if {
	selector := object.get(_spec, field, {})
	count(object.get(selector, "matchLabels", {})) == 0
	count(object.get(selector, "matchExpressions", [])) == 0
}

default _mode := "enforce"

_mode := _spec.mode if _is_exec

_mode := "monitor" if {
	not _is_exec
	some option in object.get(_spec, "options", [])
	option.name == "policy-mode"
	option.value == "monitor"
}

_problems contains problem.at(
	"spec.hostSelector",
	"is given in a namespaced policy",
	"remove it: a namespaced policy holds only for the pods of its namespace",
) if {
	_namespace != ""
	_given("hostSelector")
}

_problems contains problem.at(
	"metadata.namespace",
	sprintf("is %s, where Guardbee itself runs, and the policy enforces", [_namespace]),
	"use another namespace, or monitor mode",
) if {
	_namespace != ""
	_namespace == _own_namespace
	_enforces
}

# Without this, an ExecPolicy that names no scope would stop the kubelet and the container runtime.
_problems contains problem.at(
	"spec.rules.selectors",
	"stop processes of the host too, the kubelet and the container runtime among them",
	"add podSelector: {}, or a matchPIDs item with operator NotIn, isNamespacePID: true, values [0]",
) if {
	_is_exec
	_host
	_enforces
}

_enforcing_actions := {"Sigkill", "Signal", "Override", "NotifyEnforcer"}

_enforces if {
	_mode == "enforce"
	some hook_list in ["kprobes", "fentries", "tracepoints", "lsmhooks", "uprobes", "usdts"]
	some hook in object.get(_spec, hook_list, [])
	some selector in object.get(hook, "selectors", [])
	some action in object.get(selector, "matchActions", [])
	action.action in _enforcing_actions
}

_enforces if {
	_mode == "enforce"
	some item in _exec_items
	some action in object.get(item, "matchActions", [])
	action.action in _enforcing_actions
}

_enforces if {
	_mode == "enforce"
	some list in ["allow", "deny"]
	count(object.get(object.get(_spec, "rules", {}), list, [])) > 0
}
