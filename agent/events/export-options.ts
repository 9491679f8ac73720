import type { Problem, Result } from "@guardbee/policy";
import { compileFilters } from "./filter/event-filter.ts";
import { compileFieldFilters, type FieldSelection } from "./filter/field-filter.ts";
import type { EventTest } from "./filter/fields.ts";
import { type JsonObject, readJsonObjects } from "./filter/json-objects.ts";
import { compileRedaction, type Redaction } from "./filter/redaction.ts";

/** What the agent was called with that shapes the event file; upstream's names. */
export type ExportFlags = {
  /** JSON objects, upstream's Filter; empty: every event. */
  readonly exportAllowlist: string;
  readonly exportDenylist: string;
  /** Upstream's FieldFilter. */
  readonly fieldFilters: string;
  /** Upstream's RedactionFilter: of processes, wherever they are shown. */
  readonly redactionFilters: string;
  readonly enablePidSetFilter: boolean;
};

/** What becomes of events: of those on their way to the file, but for what is hidden everywhere. */
export type ExportOptions = {
  /** Absent: all pass. */
  readonly passes?: EventTest;
  /** Absent: all of its fields stay. */
  readonly select?: FieldSelection;
  /** Absent: nothing is hidden. */
  readonly redact?: Redaction;
};

/** The options that the flags mean, compiled; or everything that is wrong with them. */
export function parseExportFlags(flags: ExportFlags): Result<ExportOptions> {
  const problems: Problem[] = [];
  const taken = <T>(result: Result<T>): T | undefined => {
    if (result.ok) return result.value;
    problems.push(...result.problems);
    return undefined;
  };
  const read = (flag: string, text: string): readonly JsonObject[] =>
    taken(readJsonObjects(flag, text)) ?? [];
  const passes = taken(
    compileFilters(
      {
        allow: read("--export-allowlist", flags.exportAllowlist),
        deny: read("--export-denylist", flags.exportDenylist),
      },
      { pidSet: flags.enablePidSetFilter },
    ),
  );
  const select = taken(compileFieldFilters(read("--field-filters", flags.fieldFilters)));
  const redact = taken(compileRedaction(read("--redaction-filters", flags.redactionFilters)));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    value: {
      ...(passes === undefined ? {} : { passes }),
      ...(select === undefined ? {} : { select }),
      ...(redact === undefined ? {} : { redact }),
    },
  };
}
