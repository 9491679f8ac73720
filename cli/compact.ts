import { hashLines } from "./compact-hash.ts";
import { type Description, describeKprobe } from "./compact-kprobe.ts";
import { stackLines } from "./compact-stacks.ts";
import type { EventLine, Json } from "./event-line.ts";
import { quoteIfNeeded } from "./go-quote.ts";
import { type Piece, paint, render, type Styled } from "./paint.ts";

export type CompactOptions = {
  readonly color: "colored" | "plain";
  /** Each line starts with the event's time. */
  readonly timestamps: boolean;
  /** Absent: stack traces stand below. */
  readonly stackTraces?: boolean;
  /** Absent: the hash of a file stands below. */
  readonly imaHash?: boolean;
};

type Line = readonly (Piece | string)[];

/**
 * One event as upstream's compact form shows it (upstream-events-cli.md §3.1), without a final
 * newline: glyph, name, namespace/pod or node, executable, details. Where a detail is empty, the
 * space before it stays, as upstream's. undefined: this kind has no compact form.
 */
export function formatCompact(line: EventLine, options: CompactOptions): Styled | undefined {
  const text = body(line);
  if (text === undefined) return undefined;
  const full = [...(options.timestamps ? [`${formatTime(line.time)} `] : []), ...text];
  const caps = capsTrailer(full, line.event.get("process"), options.color);
  const stacks = options.stackTraces === false ? [] : stackLines(line);
  const hash = options.imaHash === false ? [] : hashLines(line);
  return render([[...full, ...caps], ...stacks, ...hash], options.color);
}

function body(line: EventLine): Line | undefined {
  const { kind, event, nodeName } = line;
  const process = event.get("process");
  const args = paint.cyan(quoteIfNeeded(process.text("arguments")));
  const about = (glyph: string, name: string, ...details: Line) =>
    spaced([paint.blue(tag(glyph, name)), ...source(process, nodeName), ...details]);
  const described = ({ glyph, name, details }: Description) =>
    about(glyph, name, ...details.map(paint.cyan));
  switch (kind) {
    case "process_exec":
      return about("🚀", "process", args);
    case "process_exit":
      return about("💥", "exit", args, paint.red(ending(event)));
    case "process_kprobe":
      return described(describeKprobe(event));
    case "process_tracepoint":
      return described(describeTracepoint(event));
    case "process_lsm":
      return about("🔒", "LSM", paint.cyan(quoteIfNeeded(event.text("function_name"))));
    case "process_loader":
      return about("🧬", "loader", ...loaded(event));
    case "process_uprobe":
      return about("🕵️", "uprobe", ...quoted(event, ["path", "symbol"]));
    case "process_usdt":
      return about("🕵️", "usdt", ...quoted(event, ["path", "provider", "name"]));
    case "process_throttle":
      return throttled(event);
    case "test":
      return ["TEST EVENT"];
    case "rate_limit_info":
      return undefined;
  }
}

function spaced(pieces: Line): Line {
  return pieces.flatMap((piece, i) => (i === 0 ? [piece] : [" ", piece]));
}

function tag(glyph: string, name: string): string {
  return `${glyph} ${name.padEnd(7)}`;
}

function source(process: Json, nodeName: string): Line {
  const pod = process.get("pod");
  const where = process.has("pod")
    ? quoteIfNeeded(`${pod.text("namespace")}/${pod.text("name")}`)
    : quoteIfNeeded(nodeName);
  return [paint.green(where), paint.magenta(quoteIfNeeded(process.text("binary")))];
}

function ending(event: Json): string {
  return quoteIfNeeded(event.text("signal") || event.text("status") || "0");
}

function quoted(event: Json, keys: readonly string[]): readonly string[] {
  return keys.map((key) => quoteIfNeeded(event.text(key)));
}

function loaded(event: Json): Line {
  const buildId = Buffer.from(event.text("buildid"), "base64").toString("hex");
  return [...(buildId === "" ? [] : [buildId]), paint.yellow(quoteIfNeeded(event.text("path")))];
}

function throttled(event: Json): Line {
  const started = event.text("type") === "THROTTLE_START";
  const what = started ? paint.red("START") : paint.green("STOP ");
  const cgroup = event.text("cgroup").replace(/\0+$/, "");
  return spaced([paint.red("🧬 throttle"), what, paint.cyan(quoteIfNeeded(cgroup))]);
}

/** A raw system call is shown by its number: names differ by architecture, which no event tells. */
function describeTracepoint(event: Json): Description {
  const [subsys, name] = [event.text("subsys"), event.text("event")];
  if (subsys !== "raw_syscalls" || name !== "sys_enter") {
    return {
      glyph: "⁉️",
      name: "tracepoint",
      details: [`${quoteIfNeeded(subsys)} ${quoteIfNeeded(name)}`],
    };
  }
  const id = event.list("args")[0]?.get("syscall_id");
  return { glyph: "☎ ", name: "syscall", details: [quoteIfNeeded(id?.text("id") || "unknown")] };
}

/** 9 digits of fraction always, so that lines stand below each other. */
function formatTime(time: string): string {
  const [whole, fraction = ""] = (time || "1970-01-01T00:00:00Z").replace(/Z$/, "").split(".");
  return quoteIfNeeded(`${whole}.${fraction.padEnd(9, "0").slice(0, 9)}Z`);
}

/** Stands at the right edge of 120 bytes where `line` leaves room. */
function capsTrailer(line: Line, process: Json, color: CompactOptions["color"]): Line {
  const effective = process.get("cap").texts("effective");
  if (!effective.includes("CAP_SYS_ADMIN")) return [];
  const caps = paint.magenta("🛑 CAP_SYS_ADMIN");
  const used = Buffer.byteLength(render([[...line, "."]], color)) - 1; // its last spaces count
  const wide = [...render([[caps]], color)].length;
  return [` ${" ".repeat(Math.max(0, lineBytes - used - wide))}`, caps];
}

const lineBytes = 120;
