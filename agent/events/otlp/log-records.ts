import { WireWriter } from "../../wire/writer.ts";
import { createRfc3339 } from "../encode/rfc3339.ts";
import { type AgentEvent, isOfProcess, type ProcessState } from "../event.ts";
import { eventTypeOf } from "../filter/event-type.ts";
import type { Redaction } from "../filter/redaction.ts";
import { type Attributes, writeAttributes, writeValue } from "./attributes.ts";
import {
  commandLine,
  exitAttributes,
  hookAttributes,
  outcomeOf,
  parentAttributes,
  processAttributes,
} from "./event-attributes.ts";

export type LogRecordOptions = {
  readonly bootToWallNs: (bootNs: bigint) => bigint;
  /** Wall-clock milliseconds. */
  readonly now: () => number;
  /** Of what leaves the node. */
  readonly redact: Redaction;
};

/** Encodes an event as a LogRecord of OTLP. Undefined: it tells of no process, but of what one reader missed, or a cgroup has too many of. */
export function createLogRecord(
  options: LogRecordOptions,
): (event: AgentEvent) => Buffer | undefined {
  const out = new WireWriter();
  const rfc3339 = createRfc3339();
  const timeOf = (bootNs: bigint) => rfc3339(options.bootToWallNs(bootNs));
  const shownOf = redacted(options.redact);
  const processFields = remembered((state) =>
    fieldsOf(processAttributes(shownOf(state), timeOf(state.process.key.ktime))),
  );
  const parentFields = remembered((state) => fieldsOf(parentAttributes(shownOf(state))));
  return (event) => {
    if (!isOfProcess(event)) return undefined;
    const { process, parent, key } = event;
    const name = eventTypeOf(event).toLowerCase();
    const isStop = event.kind === "hook" && outcomeOf(event) !== "reported";
    out.fixed64(logRecord.time, options.bootToWallNs(event.ktime));
    out.uint(logRecord.severityNumber, isStop ? severities.WARN : severities.INFO);
    out.text(logRecord.severityText, isStop ? "WARN" : "INFO");
    const who = process === undefined ? `process ${key.pid}` : commandLine(shownOf(process).image);
    writeValue(
      out,
      logRecord.body,
      event.kind === "hook" ? `${event.hook.functionName} ${who}` : who,
    );
    if (process === undefined) {
      writeAttributes(out, logRecord.attributes, { "process.pid": key.pid });
    } else out.fields(processFields(process));
    if (parent !== undefined) out.fields(parentFields(parent));
    writeAttributes(out, logRecord.attributes, { "thread.id": event.tid });
    if (event.kind === "hook") writeAttributes(out, logRecord.attributes, hookAttributes(event));
    if (event.kind === "exit")
      writeAttributes(out, logRecord.attributes, exitAttributes(event, timeOf(event.ktime)));
    out.fixed64(logRecord.observedTime, BigInt(options.now()) * 1_000_000n);
    out.text(logRecord.eventName, `guardbee.${name}`);
    return out.take();
  };
}

/** The request that exports log records: what they come from, once, and they. */
export function createExportRequest(
  resource: Attributes,
  scope: { readonly name: string; readonly version: string },
): (records: readonly Buffer[]) => Buffer {
  const out = new WireWriter();
  return (records) => {
    const logs = out.open(exportRequest.resourceLogs);
    const of = out.open(resourceLogs.resource);
    writeAttributes(out, resourceAttributes, resource);
    out.close(of);
    const scopeLogs = out.open(resourceLogs.scopeLogs);
    const by = out.open(scopeLogsTags.scope);
    out.text(scopeTags.name, scope.name);
    out.text(scopeTags.version, scope.version);
    out.close(by);
    for (const record of records) out.bytesSet(scopeLogsTags.logRecords, record);
    out.close(scopeLogs);
    out.close(logs);
    return out.take();
  };
}

/** What is the same in all events of an image in a container is encoded once. */
function remembered(encode: (state: ProcessState) => Buffer): (state: ProcessState) => Buffer {
  type Known = Pick<ProcessState, "container"> & { readonly fields: Buffer };
  const known = new WeakMap<ProcessState["image"], Known>();
  return (state) => {
    const before = known.get(state.image);
    if (before !== undefined && before.container === state.container) return before.fields;
    const fields = encode(state);
    known.set(state.image, { container: state.container, fields });
    return fields;
  };
}

function redacted(redact: Redaction): (state: ProcessState) => ProcessState {
  const images = new WeakMap<ProcessState["image"], ProcessState["image"]>();
  return (state) => {
    const known = images.get(state.image) ?? shownOf(state.image, redact);
    images.set(state.image, known);
    return { ...state, image: known };
  };
}

/**
 * Arguments are cut before they are searched, which takes a quarter of a second for 128 KiB, and between
 * two of them: of a secret that is cut in half the half might not be found.
 */
function shownOf(image: ProcessState["image"], redact: Redaction): ProcessState["image"] {
  const { arguments: words } = image;
  if (words.length <= argumentsMax) return redact(image);
  const kept = words.slice(0, Math.max(words.lastIndexOf(" ", argumentsMax), 0));
  const isInQuotes = (kept.split('"').length - 1) % 2 === 1; // of an argument with spaces
  const whole = isInQuotes ? kept.slice(0, kept.lastIndexOf('"')) : kept;
  const shown = redact({ ...image, arguments: whole.trimEnd() });
  return { ...shown, arguments: `${shown.arguments} [cut]`.trimStart() };
}

/** Characters of the arguments of one process. */
const argumentsMax = 4_096;

function fieldsOf(attributes: Attributes): Buffer {
  const out = new WireWriter();
  writeAttributes(out, logRecord.attributes, attributes);
  return out.take();
}

const severities = { INFO: 9, WARN: 13 };

/** Tags of opentelemetry.proto.logs.v1 and its collector: number << 3 | type on the wire. */
const logRecord = {
  ...{ time: 0x09, severityNumber: 0x10, severityText: 0x1a, body: 0x2a, attributes: 0x32 },
  ...{ observedTime: 0x59, eventName: 0x62 },
};
const exportRequest = { resourceLogs: 0x0a };
const resourceLogs = { resource: 0x0a, scopeLogs: 0x12 };
const resourceAttributes = 0x0a;
const scopeLogsTags = { scope: 0x0a, logRecords: 0x12 };
const scopeTags = { name: 0x0a, version: 0x12 };
