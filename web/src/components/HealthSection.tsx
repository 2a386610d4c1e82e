import { useState } from "react";
import { Link } from "wouter";
import type { EntityPageQuery } from "../api/generated";
import { healthOfPath, tally } from "../health";
import { count } from "../words";
import { OutcomeBadge } from "./Badges";
import { ServiceFindings } from "./Findings";

type Health = NonNullable<NonNullable<EntityPageQuery["entity"]>["health"]>;

/** How an entity came out, as a badge that leads to its findings. */
export function HealthLink({ of, health }: { of: string; health: Health }) {
  return (
    <Link href={healthOfPath(of)} className="badge-link" title="Show its health checks">
      <span className="visually-hidden">Health: </span>
      <OutcomeBadge outcome={health.outcome} />
    </Link>
  );
}

/** How an entity came out in numbers, with its findings on demand. */
export function HealthSection({ of, health }: { of: string; health: Health }) {
  const [opened, setOpened] = useState(false);
  const { errors, warnings } = tally(health.findings.filter(({ outcome }) => outcome === "FAIL"));
  const unknown = health.findings.length - errors - warnings;
  const words = [
    errors > 0 && count(errors, "error"),
    warnings > 0 && count(warnings, "warning"),
    unknown > 0 && `${unknown.toLocaleString("en")} unknown`,
  ].filter((word) => word !== false);
  return (
    <section aria-labelledby="health">
      <div className="section-head">
        <h2 id="health">
          Health <OutcomeBadge outcome={health.outcome} />
        </h2>
        <Link href={healthOfPath(of)}>On the health page</Link>
      </div>
      <details onToggle={(event) => setOpened(event.currentTarget.open)}>
        <summary>{words.length === 0 ? "No findings" : words.join(", ")}</summary>
        {opened && <ServiceFindings of={of} environment="" />}
      </details>
    </section>
  );
}
