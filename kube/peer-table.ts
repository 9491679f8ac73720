/** How many of a thing there may be, and how many of them may be of one peer. */
export type PeerBounds = { readonly inAll: number; readonly perPeer: number };

/**
 * What peers have open at a server: connections, or requests. Where there is one too many, the peer
 * past its own bound, else the peer that has the most, loses the one that has waited the longest
 * for it. So the newest is heard: a kubelet's probe gets through where somebody holds connections
 * open, even from the same address. One that is being answered is never lost.
 */
export class PeerTable<Item> {
  readonly #bounds: PeerBounds;
  /** Sets in the order of how long they have waited. Written by add, busy, idle and remove. */
  readonly #peers = new Map<string, Peer<Item>>();
  readonly #peerOf = new Map<Item, string>();

  constructor(bounds: PeerBounds) {
    this.#bounds = bounds;
  }

  /** Which item is one too many now, perhaps the new one; whoever asks removes and ends it. */
  add(item: Item, name: string): Item | undefined {
    const peer = this.#peers.get(name) ?? { idle: new Set<Item>(), busy: new Set<Item>() };
    this.#peers.set(name, peer);
    this.#peerOf.set(item, name);
    peer.idle.add(item);
    if (count(peer) > this.#bounds.perPeer) return first(peer.idle);
    return this.#peerOf.size > this.#bounds.inAll ? this.#longestIdle() : undefined;
  }

  /** It is being answered. */
  busy(item: Item): void {
    const peer = this.#peerFor(item);
    if (peer?.idle.delete(item)) peer.busy.add(item);
  }

  /** It waits again for its peer, from now on. */
  idle(item: Item): void {
    const peer = this.#peerFor(item);
    if (peer?.busy.delete(item)) peer.idle.add(item);
  }

  remove(item: Item): void {
    const name = this.#peerOf.get(item);
    const peer = this.#peerFor(item);
    if (name === undefined || peer === undefined) return;
    this.#peerOf.delete(item);
    peer.idle.delete(item);
    peer.busy.delete(item);
    if (count(peer) === 0) this.#peers.delete(name);
  }

  has(item: Item): boolean {
    return this.#peerOf.has(item);
  }

  #peerFor(item: Item): Peer<Item> | undefined {
    const name = this.#peerOf.get(item);
    return name === undefined ? undefined : this.#peers.get(name);
  }

  /** Of the peer that has the most, of those that have any idle. */
  #longestIdle(): Item | undefined {
    let heaviest: Peer<Item> | undefined;
    for (const peer of this.#peers.values()) {
      if (peer.idle.size === 0) continue;
      if (heaviest === undefined || count(peer) > count(heaviest)) heaviest = peer;
    }
    return heaviest === undefined ? undefined : first(heaviest.idle);
  }
}

type Peer<Item> = { readonly idle: Set<Item>; readonly busy: Set<Item> };

function count({ idle, busy }: Peer<unknown>): number {
  return idle.size + busy.size;
}

function first<Item>(items: Set<Item>): Item | undefined {
  return items.values().next().value;
}
