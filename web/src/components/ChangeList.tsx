import { Link } from "wouter";
import type { ChangeRowFragment } from "../api/generated";
import { entityPath, shortRef } from "../refs";
import { standingWords } from "../words";
import { EntityLink } from "./EntityLink";

/** Changes, those of one revision together, in the order given. */
export function ChangeList({ changes, about = true }: { changes: readonly ChangeRowFragment[]; about?: boolean }) {
  return (
    <ol className="changes">
      {byRevision(changes).map(({ revision, time, rows }) => (
        <li key={revision}>
          <p className="change-time">
            <time dateTime={time}>{new Date(time).toLocaleString()}</time> <span className="quiet">revision {revision}</span>
          </p>
          <ul className="plain-list">
            {rows.map((row, i) => (
              <li key={i}>
                {about && (
                  <>
                    {row.entity ? <EntityLink entity={row.entity} plain /> : <Link href={entityPath(row.ref)}>{shortRef(row.ref)}</Link>}{" "}
                  </>
                )}
                <Difference row={row} />
                {row.source && <span className="quiet"> ({row.source})</span>}
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

function Difference({ row }: { row: ChangeRowFragment }) {
  if (row.field === null) return <>{standing(row.old, row.new)}</>;
  return (
    <>
      <code>{row.field}</code>{" "}
      {row.old === null ? (
        <ins>{row.new}</ins>
      ) : row.new === null ? (
        <del>{row.old}</del>
      ) : (
        <>
          <del>{row.old}</del> <span aria-label="became">→</span> <ins>{row.new}</ins>
        </>
      )}
    </>
  );
}

function standing(old: string | null, now: string | null): string {
  if (now === null) return "is gone";
  const word = standingWords[now] ?? now.toLowerCase();
  return old === null ? `is new: ${word}` : `is now ${word}`;
}

/** Consecutive changes of one revision stand together. */
export function byRevision(changes: readonly ChangeRowFragment[]) {
  const groups: { revision: number; time: string; rows: ChangeRowFragment[] }[] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    if (last?.revision === change.revision) last.rows.push(change);
    else groups.push({ revision: change.revision, time: change.time, rows: [change] });
  }
  return groups;
}
