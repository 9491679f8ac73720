import assert from "node:assert/strict";
import { test } from "node:test";
import { createJsonLine } from "../encode/json-lines.ts";
import { createSelectedLine } from "../encode/selected-lines.ts";
import { someEvents } from "../testing/some-events.ts";
import { compileFieldFilters, type EventFields } from "./field-filter.ts";
import { listedObjects } from "./json-objects.ts";
import { formatProblems } from "./report.ts";

const fields: EventFields = {
  process: { binary: "/x", pid: 7, pod: { name: "p", namespace: "n" } },
  parent: { binary: "/y" },
  ancestors: [
    { binary: "/a", pid: 1 },
    { binary: "/b", pid: 2 },
  ],
  function_name: "f",
};

function selected(...filters: readonly object[]): EventFields {
  const compiled = compileFieldFilters(listedObjects("x", filters as []));
  assert.ok(compiled.ok, compiled.ok ? "" : formatProblems(compiled.problems));
  return compiled.value === undefined ? fields : compiled.value("PROCESS_EXEC", fields);
}

test("INCLUDE, the default, keeps what it lists", () => {
  const want = { process: { pid: 7, pod: { name: "p" } }, function_name: "f" };
  assert.deepEqual(selected({ fields: "process.pid,process.pod.name,functionName" }), want);
});

test("EXCLUDE takes it away, in each of a list", () => {
  const { parent: _, ...rest } = fields;
  const want = { ...rest, ancestors: [{ binary: "/a" }, { binary: "/b" }] };
  assert.deepEqual(selected({ action: "EXCLUDE", fields: "parent,ancestors.pid,nothing" }), want);
});

test("filters follow each other: two INCLUDEs leave what both list", () => {
  const want = { process: { pid: 7 } };
  assert.deepEqual(selected({ fields: "process.pid,parent" }, { fields: "process" }), want);
});

test("a filter is for the events that it names, or for all others", () => {
  const filter = { fields: "parent", event_set: ["PROCESS_EXIT"] };
  assert.equal(selected(filter), fields);
  assert.deepEqual(selected({ ...filter, invertEventSet: true }), { parent: fields.parent });
});

test("a filter without fields, and none at all, leave an event as it is", () => {
  assert.equal(selected({ fields: "" }), fields);
  assert.deepEqual(compileFieldFilters([]), { ok: true, value: undefined });
});

test("what is wrong is told", () => {
  const filters = [
    { field: "x" },
    { fields: 7, action: "DROP", event_set: ["X"], invert_event_set: 1 },
  ];
  const compiled = compileFieldFilters(listedObjects("field_filters", filters));
  assert.ok(!compiled.ok);
  assert.deepEqual(
    compiled.problems.map(({ field, what }) => `${field} ${what}`),
    [
      "field_filters[0].field is no field of a field filter",
      'field_filters[1].event_set[0] is "X"',
      "field_filters[1].invert_event_set is 1",
      "field_filters[1].fields is no list of fields",
      'field_filters[1].action is "DROP"',
    ],
  );
});

test("a line keeps what is around the event, and all of what is not filtered", () => {
  const lineOf = createJsonLine({ nodeName: "n", bootToWallNs: (ns) => ns });
  const filter = { fields: "process.binary", event_set: ["PROCESS_EXEC"] };
  const compiled = compileFieldFilters(listedObjects("x", [filter]));
  assert.ok(compiled.ok && compiled.value !== undefined);
  const line = createSelectedLine(lineOf, compiled.value);
  const { curl, denied } = someEvents();
  const want = '{"process_exec":{"process":{"binary":"/usr/bin/curl"}},"node_name":"n",';
  assert.equal(line(curl), `${want}"time":"1970-01-01T00:00:00.000101Z"}\n`);
  assert.equal(line(denied), lineOf(denied));
});
