/** The codes of gRPC (grpc/doc/statuscodes.md) that are used here. */
export const code = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;
export type Code = (typeof code)[keyof typeof code];

/** A code as Go's clients print it. */
export function codeName(status: number): string {
  return names[status] ?? `Code(${status})`;
}

const names: readonly string[] = [
  ...["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound"],
  ...["AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted"],
  ...["OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"],
];

/** How a call ends that does not end well: what whoever called is told. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: Code;

  constructor(status: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = status;
  }
}

/** A status's message as a header may have it: UTF-8, what is not printable ASCII percent-encoded; not too long for one. */
export function encodeMessage(message: string): string {
  const bytes = Buffer.from(message.length > maxChars ? `${message.slice(0, maxChars)}…` : message);
  let text = "";
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== percent;
    text += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/** The message in a header; what is not encoded right stays as it is. */
export function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const percent = 0x25;
/** Clients take 8 KiB of headers in all; a character may be 12 bytes there. */
const maxChars = 1_000;
