/** Of a message that says one thing. */
export const maxSummaryBytes = 320;

/** `text`, or as much of it as with a "…" fits into so many bytes of UTF-8. */
export function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  const ellipsis = "…";
  const part = whole.subarray(0, bytes - Buffer.byteLength(ellipsis)).toString("utf8");
  return `${part.replace(/\uFFFD$/, "")}${ellipsis}`; // a character that was cut in two
}
