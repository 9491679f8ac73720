import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "./manual-clock.ts";
import { isNotOlder, OwnWrites } from "./own-writes.ts";

const version = (resourceVersion: string) => ({ resourceVersion });
const aStore = () =>
  new OwnWrites<ReturnType<typeof version>>({ shows: isNotOlder, clock: new ManualClock() });

test("what the watch shows is what there is, until we write", () => {
  const writes = aStore();
  assert.equal(writes.current("a", undefined), undefined);
  const seen = version("9");
  assert.equal(writes.current("a", seen), seen);
  const written = version("10");
  writes.wrote("a", written);
  assert.equal(writes.current("a", seen), written);
  assert.equal(writes.current("a", undefined), written, "not shown at all yet");
  assert.equal(writes.current("b", seen), seen, "another one's");
});

test("a write counts until the watch shows it or what came after it, and not again later", () => {
  for (const shown of ["10", "11", "100"]) {
    const writes = aStore();
    writes.wrote("a", version("10"));
    const seen = version(shown);
    assert.equal(writes.current("a", seen), seen, shown);
    assert.equal(writes.current("a", undefined), undefined, `${shown}: gone since it was shown`);
  }
});

test("a write that is never shown counts for ten seconds, or as long as was said", async () => {
  const clock = new ManualClock();
  const [usual, endless] = [{ clock }, { clock, limitMs: Number.POSITIVE_INFINITY }].map(
    (options) => new OwnWrites({ shows: isNotOlder, ...options }),
  );
  const [seen, written] = [version("1"), version("2")];
  usual!.wrote("a", written);
  endless!.wrote("a", written);
  await clock.advance(10_000);
  assert.equal(usual!.current("a", seen), written);
  await clock.advance(1);
  assert.equal(usual!.current("a", seen), seen);
  assert.equal(endless!.current("a", seen), written);
});

test("a write that is forgotten does not count", () => {
  const writes = aStore();
  writes.wrote("a", version("2"));
  writes.forget("a");
  assert.equal(writes.current("a", undefined), undefined);
});

test("of versions that are no numbers only the same one is shown", () => {
  const writes = aStore();
  const written = version("b");
  writes.wrote("a", written);
  assert.equal(writes.current("a", version("c")), written);
  assert.equal(writes.current("a", version("10")), written);
  const same = version("b");
  assert.equal(writes.current("a", same), same);
});

test("what shows a write can be something else than its version", () => {
  const writes = new OwnWrites<{ readonly generation: number }>({
    shows: (seen, written) => seen.generation >= written.generation,
    clock: new ManualClock(),
  });
  const written = { generation: 2 };
  writes.wrote("a", written);
  assert.equal(writes.current("a", { generation: 1 }), written);
  const seen = { generation: 2 };
  assert.equal(writes.current("a", seen), seen);
});
