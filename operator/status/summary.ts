/** Of a message that says one thing. */
export const maxSummaryLength = 320;

/** `text`, or its beginning when it is longer. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
