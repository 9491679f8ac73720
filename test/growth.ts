/**
 * How many times more of the processor `work` takes for ten times as much: 10 where it grows with the
 * size, 100 where it grows with its square. What else the machine does has no part in it.
 */
export function growth(work: (size: number) => void, size: number): number {
  work(size); // compiled by then
  return processorTime(work, 10 * size) / processorTime(work, size);
}

/** Of one run, in microseconds: of as many as it takes for the kernel to tell, which counts ticks. */
function processorTime(work: (size: number) => void, size: number): number {
  const before = process.threadCpuUsage();
  for (let runs = 1; ; runs++) {
    work(size);
    const { user, system } = process.threadCpuUsage(before);
    if (user + system >= 100_000) return (user + system) / runs;
  }
}
