import { useMemo, useState, type ReactNode } from "react";
import { Link } from "wouter";
import { EntityChanges, EntityPage as EntityPageOperation, type EntityPageQuery } from "../api/generated";
import { useAnswer } from "../api/hooks";
import { LifecycleTag, TierBadge } from "../components/Badges";
import { HealthLink, HealthSection } from "../components/HealthSection";
import { ChangeList } from "../components/ChangeList";
import { displayName, EntityLink } from "../components/EntityLink";
import { KindIcon } from "../components/KindIcon";
import { Contacts, EntityTable, Place, ProblemList } from "../components/Lists";
import { NeedList } from "../components/Needs";
import { Page } from "../components/Page";
import { RunList, WorkloadList } from "../components/Runs";
import { Failure, Loading } from "../components/States";
import { Whereabouts, WorkloadFacts } from "../components/Workload";
import { blastPath, changesPath, entitiesPath, shortRef, splitRef } from "../refs";
import { amount, rate, share } from "../drift";
import { count, duration, latency, matchedByWords, moment, safeHref } from "../words";

type Entity = NonNullable<EntityPageQuery["entity"]>;

export function EntityPage({ of }: { of: string }) {
  const answer = useAnswer(EntityPageOperation, { ref: of });
  const entity = answer.data?.entity;
  if (entity) return <Described key={entity.ref} entity={entity} />;
  return (
    <Page title={splitRef(of).name}>
      {answer.isError ? <Failure error={answer.error} retry={() => void answer.refetch()} /> : <Loading />}
    </Page>
  );
}

function Described({ entity }: { entity: Entity }) {
  const isPeople = ["group", "user"].includes(entity.kind.toLowerCase());
  return (
    <Page
      title={displayName(entity)}
      heading={
        <>
          <KindIcon kind={entity.kind} /> {displayName(entity)}
        </>
      }
    >
      <div className="entity-head">
        <p className="badges">
          <span className="tag">{entity.kind}</span>
          {entity.type && <span className="tag">{entity.type}</span>}
          <LifecycleTag lifecycle={entity.lifecycle} />
          <TierBadge tier={entity.tier} />
          {entity.entryPoint && (
            <span className="tag" title="Requests, or jobs of its own, begin here">
              entry point
            </span>
          )}
          {entity.stale && <span className="tag tag-loud">stale</span>}
          {entity.health && <HealthLink of={entity.ref} health={entity.health} />}
          {entity.tags.map((tag) => (
            <span key={tag} className="tag tag-quiet">
              {tag}
            </span>
          ))}
        </p>
        <p className="ref-line">
          <code>{entity.ref}</code> <Copy text={entity.ref} />
        </p>
        {entity.description && <p className="description">{entity.description}</p>}
        {entity.placeholder && (
          <p className="notice">
            Others refer to this, and nobody describes it: either it is misspelt where it is named, or its catalog file is
            missing or was not accepted.
          </p>
        )}
        {entity.stale && (
          <p className="notice">What is known of it could not be renewed. The last good data is shown.</p>
        )}
      </div>
      <div className="entity-columns">
        <aside aria-label="Ownership and facts">
          <OwnerCard entity={entity} isPeople={isPeople} />
          <LinksCard entity={entity} />
          <FactsCard entity={entity} />
        </aside>
        <div>
          {!isPeople && <Breaks entity={entity} />}
          <Served entity={entity} />
          {entity.problems.totalCount > 0 && (
            <Section title="Problems" n={entity.problems.totalCount}>
              <ProblemList problems={entity.problems.nodes} about={false} />
              {entity.problems.totalCount > entity.problems.nodes.length && <Link href="/problems">All problems</Link>}
            </Section>
          )}
          {entity.health && <HealthSection of={entity.ref} health={entity.health} />}
          <Running entity={entity} />
          {!isPeople && <Dependencies entity={entity} />}
          <Rows title="Parts" list={entity.parts} />
          <Members list={entity.members} />
          <Rows
            title="Owns"
            list={entity.owns}
            all={<Link href={entitiesPath({ owner: entity.ref })}>All that it owns</Link>}
          />
          <Recent of={entity.ref} />
        </div>
      </div>
    </Page>
  );
}

/** What it needs and what needs it; of infrastructure on demand, for there it is mostly what runs on what. */
function Dependencies({ entity }: { entity: Entity }) {
  const [opened, setOpened] = useState(!["node", "zone", "cluster"].includes(entity.kind.toLowerCase()));
  if (!opened) {
    return (
      <p className="more">
        <button type="button" className="button" onClick={() => setOpened(true)}>
          Show its dependencies with their evidence
        </button>
      </p>
    );
  }
  return (
    <>
      <NeedList of={entity.ref} direction="needs" />
      <NeedList of={entity.ref} direction="needed-by" />
    </>
  );
}

/** What it runs on, and what runs on it. */
function Running({ entity }: { entity: Entity }) {
  const kind = entity.kind.toLowerCase();
  if (kind === "workload") {
    return (
      <>
        {entity.workload ? (
          <section aria-labelledby="workload">
            <h2 id="workload">What runs</h2>
            <div className="card workload">
              <Whereabouts workload={entity.workload} />
              <WorkloadFacts workload={entity.workload} opened />
            </div>
          </section>
        ) : (
          <p className="notice">It was only seen in traffic; no cluster or manifest says more.</p>
        )}
        <RunList of={entity.ref} direction="runs-on" title="Runs on" none="On which nodes its replicas are is not known." />
      </>
    );
  }
  if (kind === "node") {
    return (
      <>
        <RunList of={entity.ref} direction="runs-on" title="Is in" none="Its zone and its cluster are not known." />
        <RunList of={entity.ref} direction="runs" title="Runs" none="No workload, as far as is known." />
      </>
    );
  }
  if (kind === "zone" || kind === "cluster") {
    return <RunList of={entity.ref} direction="runs" title="Nodes" none="No node of it is known." />;
  }
  return entity.workloads.totalCount > 0 ? <WorkloadList of={entity.ref} /> : null;
}

/** The requests that it serves, and where that disagrees with what is declared. */
function Served({ entity }: { entity: Entity }) {
  const { traffic } = entity;
  const drift = entity.drift.filter(({ kind }) => kind !== "DECLARED_OWNER_GONE"); // the card of the owner tells that
  if (!traffic && drift.length === 0) return null;
  const served = traffic && traffic.requests > 0;
  return (
    <section aria-labelledby="traffic">
      <h2 id="traffic">Traffic</h2>
      {traffic && (
        <dl className="served">
          <div>
            <dt>{served ? "Serves" : "Begins"}</dt>
            <dd>
              {served && traffic.requestRate !== null && traffic.requestRate > 0
                ? rate(traffic.requestRate)
                : `${amount(served ? traffic.requests : traffic.entries)} requests`}
            </dd>
          </div>
          {served && (
            <div>
              <dt>Fails</dt>
              <dd className={(traffic.errorRate ?? 0) >= 0.01 ? "traffic-bad" : undefined}>
                {traffic.errorRate === null ? share(traffic.errors, traffic.requests) : share(traffic.errorRate, 1)}
              </dd>
            </div>
          )}
          {traffic.p50 !== null && traffic.p90 !== null && traffic.p99 !== null && (
            <div>
              <dt>Takes</dt>
              <dd>
                {latency(traffic.p50)} <small>p50</small> {latency(traffic.p90)} <small>p90</small> {latency(traffic.p99)} <small>p99</small>
              </dd>
            </div>
          )}
          {served && traffic.entries > 0 && (
            <div>
              <dt>Begin here</dt>
              <dd>{share(traffic.entries, traffic.requests)}</dd>
            </div>
          )}
          <div>
            <dt>Seen</dt>
            <dd>
              <small>
                since {moment(traffic.firstSeen)}, last {moment(traffic.lastSeen)}
              </small>
            </dd>
          </div>
        </dl>
      )}
      {drift.length > 0 && (
        <p>
          <Link href={`/drift?${new URLSearchParams({ of: entity.ref }).toString()}`}>{count(drift.length, "finding")}</Link> where what is
          declared disagrees with the traffic.
        </p>
      )}
    </section>
  );
}

function Recent({ of }: { of: string }) {
  const answer = useAnswer(EntityChanges, { ref: of });
  const changes = answer.data?.entity?.changes;
  return (
    <section aria-labelledby="recent">
      <h2 id="recent">What changed</h2>
      {changes === undefined && answer.isError && <Failure error={answer.error} retry={() => void answer.refetch()} />}
      {changes === undefined && !answer.isError && <Loading />}
      {changes?.nodes.length === 0 && <p className="quiet">Nothing, as far as is kept.</p>}
      {changes && changes.nodes.length > 0 && <ChangeList changes={changes.nodes} about={false} />}
      <p>
        {changes?.pageInfo.hasNextPage && (
          <>
            <Link href={changesPath({ of, since: "" })}>All its changes</Link> ·{" "}
          </>
        )}
        <Link href={changesPath({ of, upstream: "yes" })}>Changes of everything it needs</Link>
      </p>
    </section>
  );
}

function Breaks({ entity }: { entity: Entity }) {
  const { outage, degraded, delayed } = entity.blastRadius.totals;
  const hit = outage + degraded + delayed;
  return (
    <section className="breaks" aria-labelledby="breaks">
      <div>
        <h2 id="breaks">If it fails</h2>
        <p>
          {hit === 0 ? (
            "Nothing else is hit, as far as is known."
          ) : (
            <>
              <strong>{outage.toLocaleString("en")}</strong> out, <strong>{degraded.toLocaleString("en")}</strong> degraded,{" "}
              <strong>{delayed.toLocaleString("en")}</strong> delayed.
            </>
          )}
        </p>
      </div>
      <Link href={blastPath([entity.ref])} className="button button-main">
        Show blast radius
      </Link>
    </section>
  );
}

function OwnerCard({ entity, isPeople }: { entity: Entity; isPeople: boolean }) {
  const { owner } = entity;
  return (
    <section className="card" aria-labelledby="owner">
      <h2 id="owner">{isPeople ? "Contact" : entity.found && entity.runs.nodes.length > 0 && entity.workload ? "Belongs to" : "Owner"}</h2>
      {isPeople ? (
        <>
          <Mail email={entity.profile?.email ?? null} />
          <Names title="In" entities={entity.groups} />
        </>
      ) : owner ? (
        <>
          <p className="owner-name">
            <EntityLink entity={owner} />
          </p>
          {owner.placeholder && (
            <p className="notice">
              Nobody describes it: maybe it was renamed, or is no more.{" "}
              {entity.drift.some(({ kind }) => kind === "DECLARED_OWNER_GONE") && (
                <Link href={`/drift?${new URLSearchParams({ of: entity.ref, kind: "DECLARED_OWNER_GONE" }).toString()}`}>What to write</Link>
              )}
            </p>
          )}
          <Mail email={owner.profile?.email ?? null} />
          {owner.members.nodes.length > 0 && (
            <ul className="chips" aria-label={`Members of ${displayName(owner)}`}>
              {owner.members.nodes.map((member) => (
                <li key={member.ref}>
                  <EntityLink entity={member} plain />
                </li>
              ))}
              {owner.members.totalCount > owner.members.nodes.length && (
                <li>
                  <span className="quiet">and {owner.members.totalCount - owner.members.nodes.length} more</span>
                </li>
              )}
            </ul>
          )}
        </>
      ) : (
        <Unowned entity={entity} />
      )}
      <Suggested owners={entity.suggestedOwners} />
      <h3>On call</h3>
      {entity.onCall.length > 0 ? <Contacts contacts={entity.onCall} /> : <p className="quiet">Nothing is configured.</p>}
      {!isPeople && (
        <>
          <h3>Runbooks</h3>
          {entity.runbooks.length > 0 ? (
            <ul className="plain-list">
              {entity.runbooks.map((url) => (
                <li key={url}>
                  <External url={url} title={entity.links.find((link) => link.url === url)?.title ?? url} />
                </li>
              ))}
            </ul>
          ) : (
            <p className="quiet">None.</p>
          )}
        </>
      )}
    </section>
  );
}

/** Who may answer for it, by what only hints at it, such as a CODEOWNERS file. */
function Suggested({ owners }: { owners: Entity["suggestedOwners"] }) {
  if (owners.length === 0) return null;
  return (
    <>
      <h3 id="suggested">Suggested</h3>
      <ul className="plain-list suggested" aria-labelledby="suggested">
        {owners.map((who) => (
          <li key={who.name}>
            {who.entity ? (
              <EntityLink entity={who.entity} />
            ) : (
              <>
                <code>{who.name}</code> <span className="quiet">is not in the catalog</span>
              </>
            )}
            <span className="suggested-why">
              {who.reason && <span className="quiet">{who.reason}</span>} <Place at={who} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Unowned({ entity }: { entity: Entity }) {
  if (!entity.found && !entity.discovered) {
    return (
      <p className="notice">
        Nobody owns it. {entity.placeholder ? "Nobody describes it either." : "Add spec.owner to the file below."}
      </p>
    );
  }
  if (entity.kind.toLowerCase() !== "workload" && entity.found) return <p className="quiet">Infrastructure has no owner of its own here.</p>;
  if (entity.runs.nodes.length === 0) {
    return (
      <p className="notice">
        It runs, and it is nobody&apos;s: no catalog file describes it. {entity.found && "An entity takes it by the annotation orrery.dev/aliases."}
      </p>
    );
  }
  return (
    <ul className="plain-list">
      {entity.runs.nodes.map((whose) => (
        <li key={whose.ref}>
          <EntityLink entity={whose} />
          {whose.owner && (
            <>
              {" "}
              <span className="quiet">of</span> <EntityLink entity={whose.owner} plain />
            </>
          )}
        </li>
      ))}
      {entity.runs.totalCount > entity.runs.nodes.length && (
        <li className="quiet">and {entity.runs.totalCount - entity.runs.nodes.length} more</li>
      )}
    </ul>
  );
}

function LinksCard({ entity }: { entity: Entity }) {
  const links = entity.links.filter((link) => !entity.runbooks.includes(link.url));
  if (links.length === 0) return null;
  return (
    <section className="card" aria-labelledby="links">
      <h2 id="links">Links</h2>
      <ul className="plain-list">
        {links.map((link) => (
          <li key={link.url}>
            <External url={link.url} title={link.title ?? link.url} />
          </li>
        ))}
      </ul>
    </section>
  );
}

type Alias = Entity["aliases"][number];

/** The rule that gave an alias, which leads to where that is written. */
function MatchedBy({ by, source }: { by: Alias["matchedBy"]; source: Alias["source"] }) {
  const place = source?.location ? `${source.location}:${source.line ?? 1}` : undefined;
  const href = safeHref(source?.url ?? "");
  return href ? (
    <a className="tag" href={href} title={place}>
      {matchedByWords[by]}
    </a>
  ) : (
    <span className="tag" title={place}>
      {matchedByWords[by]}
    </span>
  );
}

function FactsCard({ entity }: { entity: Entity }) {
  const facts: [string, ReactNode][] = [];
  if (entity.parents.length > 0) facts.push(["Part of", <Names key="p" entities={entity.parents} />]);
  if (entity.slo) {
    const window = entity.slo.windowSeconds === null ? "" : ` over ${duration(entity.slo.windowSeconds)}`;
    facts.push(["Promises", `${entity.slo.availability} % available${window}`]);
  }
  if (entity.capacity) facts.push(["Built for", `${count(entity.capacity.requestsPerSecond, "request")} a second`]);
  if (entity.node?.zone) facts.push(["Zone", entity.node.region ? `${entity.node.zone} of ${entity.node.region}` : entity.node.zone]);
  if (entity.node && entity.node.ready !== null) facts.push(["State", entity.node.ready ? "ready" : "not ready"]);
  if (entity.source) facts.push([entity.found ? "Found in" : "Described in", <Place key="s" at={entity.source} />]);
  if (entity.aliases.length > 0) {
    facts.push([
      "Also known as",
      <ul key="a" className="plain-list">
        {entity.aliases.map(({ alias, matchedBy, source }) => (
          <li key={alias}>
            <code>{alias}</code>{" "}
            <MatchedBy by={matchedBy} source={source} />
          </li>
        ))}
      </ul>,
    ]);
  }
  if (entity.formerRefs.length > 0) {
    facts.push(["Once known as", <span key="f">{entity.formerRefs.map(shortRef).join(", ")}</span>]);
  }
  if (entity.firstSeen) facts.push(["First seen", moment(entity.firstSeen)]);
  if (entity.lastSeen) facts.push(["Last seen", moment(entity.lastSeen)]);
  if (facts.length === 0) return null;
  return (
    <section className="card" aria-labelledby="facts">
      <h2 id="facts">Facts</h2>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Section({ title, n, children }: { title: string; n: number; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2>
        {title} <span className="quiet">{n.toLocaleString("en")}</span>
      </h2>
      {children}
    </section>
  );
}

function Rows({ title, list, all }: { title: string; list: Entity["parts"]; all?: ReactNode }) {
  if (list.totalCount === 0) return null;
  return (
    <Section title={title} n={list.totalCount}>
      <EntityTable rows={list.nodes} caption={title} />
      {list.totalCount > list.nodes.length && (
        <p className="quiet">
          The first {list.nodes.length} of {list.totalCount.toLocaleString("en")}. {all}
        </p>
      )}
    </Section>
  );
}

function Members({ list }: { list: Entity["members"] }) {
  if (list.totalCount === 0) return null;
  return (
    <Section title="Members" n={list.totalCount}>
      <ul className="needs">
        {list.nodes.map((member) => (
          <li key={member.ref} className="need-head">
            <EntityLink entity={member} />
            {member.profile?.email && (
              <a className="need-owner" href={`mailto:${member.profile.email}`}>
                {member.profile.email}
              </a>
            )}
          </li>
        ))}
      </ul>
      {list.totalCount > list.nodes.length && (
        <p className="quiet">
          The first {list.nodes.length} of {list.totalCount.toLocaleString("en")}.
        </p>
      )}
    </Section>
  );
}

function Names({ title, entities }: { title?: string; entities: Entity["parents"] }) {
  if (entities.length === 0) return null;
  return (
    <p>
      {title && <span className="quiet">{title} </span>}
      {entities.map((entity, i) => (
        <span key={entity.ref}>
          {i > 0 && ", "}
          <EntityLink entity={entity} plain />
        </span>
      ))}
    </p>
  );
}

function Mail({ email }: { email: string | null }) {
  if (email === null) return null;
  return (
    <p>
      <a href={`mailto:${email}`}>{email}</a>
    </p>
  );
}

/** A link out of the application; an address that is not of the web is only shown. */
function External({ url, title }: { url: string; title: string }) {
  const href = safeHref(url);
  return href ? (
    <a href={href} rel="noreferrer">
      {title}
    </a>
  ) : (
    <span>
      {title} <code>{url}</code>
    </span>
  );
}

function Copy({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const possible = useMemo(() => typeof navigator !== "undefined" && navigator.clipboard !== undefined, []);
  if (!possible) return null;
  return (
    <button
      type="button"
      className="button-small"
      onClick={() =>
        void navigator.clipboard.writeText(text).then(
          () => setCopied(true),
          () => setCopied(false),
        )
      }
    >
      {copied ? "Copied" : "Copy"}
    </button>
  );
}
