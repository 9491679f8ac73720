/** Resolves when `work` ends or `signal` ends it; rejects with whatever else it rejects with. */
export async function untilAborted(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await work(signal);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error; // abort is the normal end
  }
}
