const ofUpstreams =
  "those are programs of upstream's; tetra tracingpolicy add and tetra getevents show what a policy does";

/** Commands of upstream's that read or write its own maps, and what serves in their place. */
export const absentNames: Readonly<Record<string, string>> = {
  "policytest list": ofUpstreams,
  "policytest run": ofUpstreams,
  "policytest dump-policy": ofUpstreams,
  "debug maps": "use bpftool map show; kubectl guardbee nodes and /metrics say what is in use",
  "debug progs": "use guardbee top, which says what each policy and process costs",
  "debug enable-stats": "write 1 to /proc/sys/kernel/bpf_stats_enabled",
  "dump execve": "the kernel side has no execve_map; use tetra dump processcache",
  "dump policyfilter":
    "the kernel side has no policy_filter_maps; use kubectl guardbee explain POD",
  "dump errmetrics": "what is lost is counted by cause: see bpf_losses_total at /metrics",
  "policyfilter dump":
    "the kernel side has no policy_filter_maps; use kubectl guardbee explain POD",
  "policyfilter add": "which policies hold for a pod is what their selectors say; change those",
  "policyfilter listpolicies": "use kubectl guardbee explain POD, or tetra tracingpolicy list",
  "cgtracker dump": "the kernel side has no cgtracker map: cgroups below a container's are its own",
  "cgtracker add": "the kernel side has no cgtracker map: cgroups below a container's are its own",
};
