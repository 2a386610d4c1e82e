import type { ReactNode } from "react";
import { Link } from "wouter";
import type { ContactsFragment, NeedFragment, ProblemRowFragment, RowFragment } from "../api/generated";
import { entityPath, shortRef } from "../refs";
import { contactHref, contactKind, evidenceWords, moment, safeHref } from "../words";
import { LifecycleTag, SeverityBadge, TierBadge } from "./Badges";
import { EntityLink } from "./EntityLink";
import { sentence } from "./States";

/** A table of entities. */
export function EntityTable({ rows, caption }: { rows: readonly RowFragment[]; caption: string }) {
  return (
    <div className="table-frame">
      <table className="entities">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Type</th>
            <th scope="col">Owner</th>
            <th scope="col">Tier</th>
            <th scope="col">Lifecycle</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.ref}>
              <th scope="row">
                <EntityLink entity={row} />
                <span className="ref">{shortRef(row.ref)}</span>
              </th>
              <td data-label="Type">{row.type ?? row.kind}</td>
              <td data-label="Owner">
                <Owner row={row} />
              </td>
              <td data-label="Tier">{row.tier === null ? <span className="quiet">–</span> : <TierBadge tier={row.tier} />}</td>
              <td data-label="Lifecycle">
                {row.lifecycle === null ? <span className="quiet">–</span> : <LifecycleTag lifecycle={row.lifecycle} />}
                {row.stale && <span className="tag tag-loud">stale</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Who owns a row: a team, nobody, or no owner where none is to be expected. A workload that belongs to nobody is discovered. */
export function Owner({ row }: { row: Pick<RowFragment, "owner" | "kind" | "discovered"> }) {
  if (row.owner) return <EntityLink entity={row.owner} plain />;
  const kind = row.kind.toLowerCase();
  const expected = kind === "workload" ? row.discovered : !["group", "user", "node", "zone", "cluster"].includes(kind);
  if (!expected) return <span className="quiet">–</span>;
  return <span className="tag tag-loud">no owner</span>;
}

/** Ways to reach somebody. */
export function Contacts({ contacts }: { contacts: readonly ContactsFragment[] }) {
  return (
    <ul className="plain-list">
      {contacts.map((contact) => {
        const href = contactHref(contact);
        return (
          <li key={`${contact.kind} ${contact.target}`}>
            <span className="quiet">{contactKind(contact.kind)}</span>{" "}
            {href ? <a href={href}>{contact.target}</a> : <span className="strong">{contact.target}</span>}
          </li>
        );
      })}
    </ul>
  );
}

/** Where something is written, as far as that is known. */
export interface Written {
  readonly location: string | null;
  readonly line: number | null;
  readonly repository?: string | null;
  readonly path?: string | null;
  readonly commit?: string | null;
  readonly url?: string | null;
}

/** A place in a repository, in a file or on the web: with a link to just that line, where somebody shows it. */
export function Place({ at }: { at: Written }) {
  const { location, line, repository, path, commit, url } = at;
  const file = repository && path ? `${repository}/${path}` : location;
  if (file === null) return null;
  const text = line === null ? file : `${file}:${line}`;
  const href = safeHref(url ?? (/^https?:\/\//.test(file) ? file : ""));
  return (
    <>
      {href ? (
        <a className="place" href={href}>
          {text}
        </a>
      ) : (
        <code className="place">{text}</code>
      )}
      {commit && (
        <span className="quiet commit" title={`as of commit ${commit}`}>
          {" "}
          at {commit.slice(0, 7)}
        </span>
      )}
    </>
  );
}

/** Why an edge is believed. */
export function EvidenceList({ evidence }: { evidence: NeedFragment["evidence"] }) {
  return (
    <ul className="plain-list evidence">
      {evidence.map((reason, i) => (
        <li key={i}>
          {evidenceWords[reason.kind].label} in <Place at={reason} />
          <span className="quiet">
            {" "}
            ({reason.source}
            {reason.firstSeen && <>, since {moment(reason.firstSeen)}</>})
          </span>
          {reason.stale && <span className="tag tag-loud">stale</span>}
        </li>
      ))}
    </ul>
  );
}

/** Problems with their place and what to do. */
export function ProblemList({ problems, about = true }: { problems: readonly ProblemRowFragment[]; about?: boolean }) {
  return (
    <ul className="problems">
      {problems.map((problem, i) => (
        <li key={i}>
          <SeverityBadge severity={problem.severity} />
          <div>
            <p>
              {sentence(problem.message)} {problem.fix && <span className="fix">{sentence(problem.fix)}</span>}
            </p>
            <p className="quiet">
              <Place at={problem} />
              {problem.field && (
                <>
                  {" "}
                  <code>{problem.field}</code>
                </>
              )}{" "}
              <span>{problem.code}</span>
              {about && <About problem={problem} />}
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

function About({ problem }: { problem: ProblemRowFragment }): ReactNode {
  if (problem.entity) {
    return (
      <>
        {" "}
        · <EntityLink entity={problem.entity} plain />
      </>
    );
  }
  if (problem.ref) {
    return (
      <>
        {" "}
        · <Link href={entityPath(problem.ref)}>{shortRef(problem.ref)}</Link>
      </>
    );
  }
  return null;
}
