import type { EvidenceKind, Impact, Outcome, Severity, Strength } from "../api/generated";
import { outcomeWords } from "../health";
import { evidenceKinds, evidenceWords, impactWords, strengthWords } from "../words";

/** An impact by word and colour. */
export function ImpactBadge({ impact }: { impact: Impact }) {
  return <span className={`badge impact-${impact.toLowerCase()}`}>{impactWords[impact].label}</span>;
}

/** A strength by word; its meaning shows on hover. */
export function StrengthBadge({ strength }: { strength: Strength }) {
  const { label, meaning } = strengthWords[strength];
  return (
    <span className={`badge strength-${strength.toLowerCase()}`} title={meaning}>
      {label}
    </span>
  );
}

export function SeverityBadge({ severity }: { severity: Severity }) {
  return (
    <span className={`badge severity-${severity.toLowerCase()}`}>{severity === "ERROR" ? "Error" : "Warning"}</span>
  );
}

/** A tier from 1 (most critical) to 4. */
export function TierBadge({ tier }: { tier: number | null }) {
  if (tier === null) return null;
  return <span className={`badge tier-${tier}`}>Tier {tier}</span>;
}

/** A lifecycle, loud only where it is a warning. */
export function LifecycleTag({ lifecycle }: { lifecycle: string | null }) {
  if (lifecycle === null) return null;
  const loud = ["deprecated", "discovered"].includes(lifecycle.toLowerCase());
  return <span className={loud ? "tag tag-loud" : "tag"}>{lifecycle}</span>;
}

/** How a judgement came out, by word and colour. */
export function OutcomeBadge({ outcome }: { outcome: Outcome }) {
  return <span className={`badge outcome-${outcome.toLowerCase()}`}>{outcomeWords[outcome].label}</span>;
}

/** The kinds of evidence that there are, the surest first; their meaning shows on hover. */
export function EvidenceBadges({ evidence }: { evidence: readonly { kind: EvidenceKind }[] }) {
  return evidenceKinds
    .filter((kind) => evidence.some((reason) => reason.kind === kind))
    .map((kind) => (
      <span key={kind} className={`badge evidence-${kind.toLowerCase()}`} title={evidenceWords[kind].meaning}>
        {evidenceWords[kind].label}
      </span>
    ));
}
