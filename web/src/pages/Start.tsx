import { Link } from "wouter";
import { Overview, type OverviewQuery } from "../api/generated";
import { useAnswer } from "../api/hooks";
import { EntityLink } from "../components/EntityLink";
import { KindIcon } from "../components/KindIcon";
import { Lookup } from "../components/Lookup";
import { Page } from "../components/Page";
import { TierBadge } from "../components/Badges";
import { Empty, Failure, Loading } from "../components/States";
import { blastPath, entitiesPath } from "../refs";
import { count, kinds, moment, sourceWords } from "../words";

export function Start() {
  const overview = useAnswer(Overview, {});
  return (
    <Page title="" heading="What are you looking for?" focus={false}>
      <Lookup
        label="Look up a service, team, database or zone"
        placeholder="payments, orders-db, team, zone …"
        takeFocus
        shortcut
        large
      />
      <p className="hint">
        Owner, on-call, runbooks and what breaks, in one lookup. <kbd>/</kbd> brings you here from everywhere.
      </p>
      {overview.isError ? (
        <Failure error={overview.error} retry={() => void overview.refetch()} />
      ) : overview.data ? (
        <Overall overview={overview.data} />
      ) : (
        <Loading what="Counting" />
      )}
    </Page>
  );
}

function Overall({ overview }: { overview: OverviewQuery }) {
  if (overview.snapshot.entities === 0) {
    return (
      <Empty>
        The catalog is empty. Add a folder of catalog files to the configuration (<code>sources:</code>), or start with{" "}
        <code>orrery serve --demo</code> to see an example.
      </Empty>
    );
  }
  const counts: Record<string, number> = {
    Component: overview.components.totalCount,
    API: overview.apis.totalCount,
    Resource: overview.resources.totalCount,
    Journey: overview.journeys.totalCount,
    System: overview.systems.totalCount,
    External: overview.externals.totalCount,
    Group: overview.groups.totalCount,
    Workload: overview.workloads.totalCount,
  };
  return (
    <>
      <nav className="counts" aria-label="The catalog by kind">
        {kinds
          .filter(({ kind }) => (counts[kind] ?? 0) > 0)
          .map(({ kind, plural }) => (
            <Link key={kind} href={entitiesPath({ kind })} className="count">
              <KindIcon kind={kind} />
              <span className="count-number">{counts[kind]?.toLocaleString("en")}</span>
              <span>{counts[kind] === 1 ? kind : plural}</span>
            </Link>
          ))}
      </nav>
      <div className="columns">
        <section aria-labelledby="journeys">
          <h2 id="journeys">Journeys</h2>
          {overview.journeys.nodes.length === 0 ? (
            <Empty>
              Nobody has described a journey yet: a flow that users must be able to finish, as an entity of kind Journey
              with its steps.
            </Empty>
          ) : (
            <ul className="cards">
              {overview.journeys.nodes.map((journey) => (
                <li key={journey.ref} className="card">
                  <p className="card-head">
                    <EntityLink entity={journey} />
                    <TierBadge tier={journey.tier} />
                  </p>
                  {journey.description && <p>{journey.description}</p>}
                  <p className="quiet">
                    {journey.slo && <>Promises {journey.slo.availability} % · </>}
                    {journey.owner ? <EntityLink entity={journey.owner} plain /> : "no owner"}
                  </p>
                </li>
              ))}
            </ul>
          )}
          {overview.critical.nodes.length > 0 && (
            <>
              <h2>
                Most critical <span className="quiet">({overview.critical.totalCount} of tier 1)</span>
              </h2>
              <ul className="chips">
                {overview.critical.nodes.map((entity) => (
                  <li key={entity.ref}>
                    <EntityLink entity={entity} plain />
                  </li>
                ))}
              </ul>
              {overview.critical.totalCount > overview.critical.nodes.length && (
                <p>
                  <Link href={entitiesPath({ kind: "Component", tier: "1" })}>All of tier 1</Link>
                </p>
              )}
            </>
          )}
        </section>
        <Attention overview={overview} />
      </div>
    </>
  );
}

function Attention({ overview }: { overview: OverviewQuery }) {
  const { fail } = overview.health.totals.services;
  const items = [
    { n: overview.errors.totalCount, one: "document not accepted", many: "documents not accepted", href: "/problems?severity=ERROR", bad: true },
    { n: overview.warnings.totalCount, one: "warning in catalog files", many: "warnings in catalog files", href: "/problems?severity=WARNING" },
    { n: fail, one: "service fails its health checks", many: "services fail their health checks", href: "/health?outcome=FAIL", bad: true },
    { n: overview.drift.totalCount, one: "disagreement with what is declared", many: "disagreements with what is declared", href: "/drift?confidence=MEDIUM" },
    { n: overview.discovered.totalCount, one: "runs, and is nobody's", many: "run, and are nobody's", href: entitiesPath({ discovered: "yes" }) },
    { n: overview.unowned.totalCount, one: "without an owner", many: "without an owner", href: entitiesPath({ owned: "no" }) },
    { n: overview.missing.totalCount, one: "named, but described by nobody", many: "named, but described by nobody", href: entitiesPath({ described: "no" }) },
    { n: overview.cycles.totalCount, one: "cycle of dependencies", many: "cycles of dependencies", href: "/cycles" },
  ];
  return (
    <aside aria-labelledby="attention">
      <h2 id="attention">Deserves a look</h2>
      <ul className="attention">
        {items.map(({ n, one, many, href, bad }) => (
          <li key={many} className={n === 0 ? "good" : bad ? "bad" : "fair"}>
            <Link href={href}>
              <span className="attention-number">{n.toLocaleString("en")}</span> {n === 1 ? one : many}
            </Link>
          </li>
        ))}
      </ul>
      <p>
        <Link href={blastPath([])}>What breaks if …?</Link>
      </p>
      <h2>
        <Link href="/sources">Sources</Link>
      </h2>
      {overview.sources.nodes.length === 0 ? (
        <Empty>No source is configured.</Empty>
      ) : (
        <ul className="plain-list sources">
          {overview.sources.nodes.map((source) => (
            <li key={source.id}>
              <span className={`dot dot-${source.state.toLowerCase()}`} aria-hidden="true" />
              <span className="strong">{source.id}</span>{" "}
              <span className="quiet">
                {sourceWords[source.state]}, {count(source.documents, "document")}
                {source.lastScan && <>, read {moment(source.lastScan)}</>}
              </span>
              {source.error && <p className="source-error">{source.error}</p>}
              {source.held && (
                <p className="source-error">
                  <Link href="/sources">
                    {count(source.held.entities, "entity", "entities")} of {source.held.of.toLocaleString("en")} would be removed
                  </Link>
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
      <p className="quiet">
        Revision {overview.snapshot.revision}
        {overview.snapshot.time && <> of {moment(overview.snapshot.time)}</>} · <Link href="/changes">what changed</Link>
      </p>
    </aside>
  );
}
