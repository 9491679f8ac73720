/**
 * Paths inside a process_exec event that SIEM content written for upstream's JSON reads
 * (`siem-fields.txt` of the reference). `[]` is a list, `*` any key.
 */
export const siemFields: readonly string[] = [
  ...["time", "node_name", "cluster_name", "node_labels.*"],
  ...of("process", [
    ...["arguments", "auid", "binary", "cwd", "docker", "exec_id", "flags", "in_init_tree"],
    ...["parent_exec_id", "pid", "start_time", "tid", "uid"],
  ]),
  ...of("process.pod", [...podFields(), "container.maybe_exec_probe"]),
  ...of("parent", [
    ...["arguments", "auid", "binary", "cwd", "docker", "exec_id", "flags", "in_init_tree"],
    ...["parent_exec_id", "pid", "start_time", "tid", "uid"],
  ]),
  ...of("parent.pod", podFields()),
  ...of("ancestors[]", [
    ...["arguments", "auid", "binary", "cwd", "exec_id", "flags", "in_init_tree"],
    ...["parent_exec_id", "pid", "start_time", "tid", "uid", "refcnt"],
  ]),
];

/** Those of `paths` that none of `events`, lines of JSON, has. */
export function missingFields(
  events: Iterable<string>,
  paths: readonly string[] = siemFields,
): readonly string[] {
  const missing = new Set(paths);
  for (const line of events) {
    const event: unknown = JSON.parse(line);
    for (const path of missing) if (has(event, path.split("."))) missing.delete(path);
  }
  return [...missing];
}

function of(prefix: string, fields: readonly string[]): readonly string[] {
  return fields.map((field) => `process_exec.${prefix}.${field}`);
}

function podFields(): readonly string[] {
  return [
    ...["id", "image.id", "image.name", "name", "pid", "security_context.privileged"].map(
      (field) => `container.${field}`,
    ),
    ...["container.start_time", "name", "namespace", "pod_labels.*", "workload", "workload_kind"],
  ];
}

function has(value: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return value !== undefined;
  if (typeof value !== "object" || value === null) return false;
  if (first === "*") return Object.values(value).some((one) => has(one, rest));
  const name = first.replace(/\[\]$/, "");
  const member: unknown = (value as Readonly<Record<string, unknown>>)[name];
  if (name === first) return has(member, rest);
  return Array.isArray(member) && member.some((one) => has(one, rest));
}
