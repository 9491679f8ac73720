import { hostname } from "node:os";
import type { Problem, Result } from "@guardbee/policy";
import { parseDuration } from "./duration.ts";
import { compileFilters } from "./filter/event-filter.ts";
import { compileFieldFilters, type FieldSelection } from "./filter/field-filter.ts";
import type { EventTest } from "./filter/fields.ts";
import { type JsonObject, readJsonObjects } from "./filter/json-objects.ts";
import { loadCel } from "./filter/load-cel.ts";
import { compileRedaction, type Redaction } from "./filter/redaction.ts";
import { parseOtlp } from "./otlp/parse-target.ts";
import type { OtlpTarget } from "./otlp/send.ts";

/** What the agent was called with that shapes the event file; upstream's names. */
export type ExportFlags = {
  readonly nodeName: string | undefined;
  /** JSON objects, upstream's Filter; empty: every event. */
  readonly exportAllowlist: string;
  readonly exportDenylist: string;
  /** Upstream's FieldFilter. */
  readonly fieldFilters: string;
  /** Upstream's RedactionFilter: of processes, wherever they are shown. */
  readonly redactionFilters: string;
  readonly enablePidSetFilter: boolean;
  /** Whether processes have credentials, which filters may ask for. */
  readonly enableProcessCred: boolean;
  readonly exportFormat: "json" | "ocsf";
  /** As Go writes it; 0: the file is rotated by size alone. */
  readonly exportFileRotationInterval: string;
  /** Octal. */
  readonly exportFilePerm: string;
  /** A receiver of OTLP; empty: none. */
  readonly otlpEndpoint: string;
  readonly otlpProtocol: "grpc" | "http/protobuf";
  /** Of OTEL_EXPORTER_OTLP_HEADERS: `key=value`, with commas between, and % escapes. */
  readonly otlpHeaders: string;
  /** Events a minute; -1: no limit, 0: no file. */
  readonly exportRateLimit: number;
};

/** What becomes of events: of those on their way to the file, but for what is hidden everywhere. */
export type ExportOptions = {
  /** Absent: all pass. */
  readonly passes?: EventTest;
  /** Absent: all of its fields stay. */
  readonly select?: FieldSelection;
  /** Absent: nothing is hidden. */
  readonly redact?: Redaction;
  readonly format: ExportFlags["exportFormat"];
  readonly rotationIntervalMs: number;
  /** Permissions of the file. */
  readonly mode: number;
  /** Absent: events do not go out over OTLP. */
  readonly otlp?: OtlpTarget;
  /** Events a minute; absent: no limit. */
  readonly perMinute?: number;
};

/** The options that the flags mean, compiled; or everything that is wrong with them. */
export async function parseExportFlags(flags: ExportFlags): Promise<Result<ExportOptions>> {
  const problems: Problem[] = [];
  const taken = <T>(result: Result<T>): T | undefined => {
    if (result.ok) return result.value;
    problems.push(...result.problems);
    return undefined;
  };
  const read = (flag: string, text: string): readonly JsonObject[] =>
    taken(readJsonObjects(flag, text)) ?? [];
  const allow = read("--export-allowlist", flags.exportAllowlist);
  const deny = read("--export-denylist", flags.exportDenylist);
  const cel = await loadCel([...allow, ...deny], flags.nodeName ?? hostname());
  const passes = taken(
    compileFilters(
      { allow, deny },
      { pidSet: flags.enablePidSetFilter, credentials: flags.enableProcessCred, cel },
    ),
  );
  const select = taken(compileFieldFilters(read("--field-filters", flags.fieldFilters)));
  const redact = taken(compileRedaction(read("--redaction-filters", flags.redactionFilters)));
  const rotationIntervalMs = parseDuration(flags.exportFileRotationInterval);
  if (rotationIntervalMs === undefined)
    problems.push(
      problemOf(
        "--export-file-rotation-interval",
        flags.exportFileRotationInterval,
        "write a length of time: 24h, 90m, or 0 for none",
      ),
    );
  const mode = parseMode(flags.exportFilePerm);
  if (mode === undefined)
    problems.push(
      problemOf("--export-file-perm", flags.exportFilePerm, "write permissions in octal: 600, 640"),
    );
  const otlp = taken(parseOtlp(flags));
  if (select !== undefined && flags.exportFormat === "ocsf") {
    const fix = "leave out --field-filters, or --export-format ocsf";
    problems.push(problemOf("--field-filters", flags.fieldFilters, fix));
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    value: {
      format: flags.exportFormat,
      ...{ rotationIntervalMs: rotationIntervalMs!, mode: mode! },
      ...(passes === undefined ? {} : { passes }),
      ...(otlp === undefined ? {} : { otlp }),
      ...(flags.exportRateLimit === -1 ? {} : { perMinute: flags.exportRateLimit }),
      ...(select === undefined ? {} : { select }),
      ...(redact === undefined ? {} : { redact }),
    },
  };
}

function problemOf(field: string, text: string, fix: string): Problem {
  return { field, what: `is ${JSON.stringify(text)}`, fix, kind: "invalid" };
}

/** As upstream: nobody may execute it, others may not write to it, and its owner may read and write. */
function parseMode(text: string): number | undefined {
  if (!/^0?[0-7]{3}$/.test(text)) return undefined;
  return (Number.parseInt(text, 8) & ~0o113) | 0o600;
}
