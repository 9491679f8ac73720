/** One serving certificate with its CA, all PEM. Instants in milliseconds since 1970. */
export type Issuance = {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly ca: string;
  readonly certificate: string;
  /** PKCS #8. */
  readonly key: string;
};

export type RotationTimes = {
  readonly validMs: number;
  /** After its issue, when the next one is made; well below validMs. */
  readonly renewAfterMs: number;
  /**
   * How long each change is given to reach every replica and API server: a new certificate is
   * trusted for that long before it is served, and an old one after it was served last.
   */
  readonly settleMs: number;
};

const dayMs = 86_400_000;
export const defaultRotation: RotationTimes = {
  validMs: 90 * dayMs,
  renewAfterMs: 60 * dayMs,
  settleMs: 3_600_000,
};

/** What follows at one instant from the certificates there are: the same for every replica. */
export type InForce = {
  /** To be served; undefined: there is none that is valid. */
  readonly serving: Issuance | undefined;
  /** Whose CAs clients are to trust, oldest first; the one that is served is among them. */
  readonly trusted: readonly Issuance[];
  /** Whether the next one is to be made now. */
  readonly renew: boolean;
};

export function inForce(
  issuances: readonly Issuance[],
  times: RotationTimes,
  nowMs: number,
): InForce {
  const live = issuances
    .filter(({ expiresAtMs }) => expiresAtMs > nowMs)
    .sort((a, b) => a.issuedAtMs - b.issuedAtMs || (a.ca < b.ca ? -1 : 1));
  const sinceMs = ({ issuedAtMs }: Issuance) => nowMs - issuedAtMs;
  const serving = live.findLast((one) => sinceMs(one) >= times.settleMs) ?? live[0];
  const settled = live.findLastIndex((one) => sinceMs(one) >= 2 * times.settleMs);
  const newest = live.at(-1);
  return {
    serving,
    trusted: live.slice(Math.max(settled, 0)),
    renew: newest === undefined || sinceMs(newest) >= times.renewAfterMs,
  };
}

/** The certificates in a Secret's `data`; none when it holds something else. */
export function readIssuances(data: Readonly<Record<string, unknown>>): readonly Issuance[] {
  try {
    const raw: unknown = JSON.parse(Buffer.from(String(data[dataKey]), "base64").toString());
    return Array.isArray(raw) && raw.every(isIssuance) ? raw : [];
  } catch {
    return []; // empty, as installed; or edited by somebody, and then made anew
  }
}

/** A Secret's `data` with these certificates. */
export function writeIssuances(issuances: readonly Issuance[]): Record<string, string> {
  return { [dataKey]: Buffer.from(JSON.stringify(issuances)).toString("base64") };
}

const dataKey = "certificates.json";

function isIssuance(raw: unknown): raw is Issuance {
  if (typeof raw !== "object" || raw === null) return false;
  const { issuedAtMs, expiresAtMs, ca, certificate, key } = raw as Partial<Issuance>;
  return (
    [issuedAtMs, expiresAtMs].every((one) => Number.isSafeInteger(one)) &&
    [ca, certificate, key].every((one) => typeof one === "string")
  );
}
