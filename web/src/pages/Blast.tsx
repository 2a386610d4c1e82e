import { useSearchParams } from "wouter";
import { BlastRadius, Impacted, type BlastRadiusQuery, type ImpactedQuery, type StrengthSource } from "../api/generated";
import { AnswerError } from "../api/client";
import { useAnswer, usePages } from "../api/hooks";
import { ImpactBadge, StrengthBadge, TierBadge } from "../components/Badges";
import { displayName, EntityLink } from "../components/EntityLink";
import { Contacts, EvidenceList, Owner } from "../components/Lists";
import { Lookup } from "../components/Lookup";
import { Page } from "../components/Page";
import { Reach } from "../components/Traffic";
import { Candidates, Empty, Failure, Loading, More } from "../components/States";
import { shortRef } from "../refs";
import { count, impactWords } from "../words";

type Blast = NonNullable<BlastRadiusQuery["blastRadius"]>;
type ImpactedNode = NonNullable<ImpactedQuery["blastRadius"]>["impacted"]["nodes"][number];

export function BlastPage() {
  const [params, setParams] = useSearchParams();
  const of = [...new Set(params.getAll("of").filter((ref) => ref.trim() !== ""))];
  const strength = params.get("strength")?.toLowerCase() === "behaves" ? "BEHAVES" : "DECLARED";
  function show(refs: readonly string[], by: StrengthSource) {
    setParams(new URLSearchParams([...refs.map((ref) => ["of", ref]), ...(by === "BEHAVES" ? [["strength", "behaves"]] : [])]));
  }
  function fail(refs: readonly string[]) {
    show(refs, strength);
  }
  return (
    <Page title={of.length === 0 ? "Blast radius" : `If ${of.map(shortName).join(" and ")} ${of.length === 1 ? "fails" : "fail"}`} heading="What breaks if …">
      <div className="failing" role="group" aria-label="What fails">
        {of.map((ref) => (
          <span key={ref} className="chip chip-bad">
            {shortName(ref)}
            <button
              type="button"
              aria-label={`Do not let ${shortName(ref)} fail`}
              onClick={() => fail(of.filter((other) => other !== ref))}
            >
              ×
            </button>
          </span>
        ))}
        <span className="quiet">{of.length === 0 ? "" : of.length === 1 ? "fails" : "fail together"}</span>
        <Lookup
          label={of.length === 0 ? "What fails" : "What else fails at the same time"}
          placeholder={of.length === 0 ? "orders-db, stripe, a system, a zone …" : "and what else fails?"}
          takeFocus={of.length === 0}
          onChoose={(ref) => fail([...of, ref])}
          onText={(typed) => fail([...of, typed])}
        />
      </div>
      {of.length === 0 ? (
        <Empty>
          Choose a service, a database, a third party, a whole system, a node, a zone or a cluster, and see what it takes with it, how badly, and whom
          to call.
        </Empty>
      ) : (
        <>
          <label className="check-field">
            <input type="checkbox" checked={strength === "BEHAVES"} onChange={(event) => show(of, event.target.checked ? "BEHAVES" : "DECLARED")} />{" "}
            By the strengths that traffic shows, where it does, instead of the declared ones
          </label>
          <Answer of={of} strength={strength} />
        </>
      )}
    </Page>
  );
}

/** A ref as short as it can be said, and a text as it was typed. */
function shortName(ref: string): string {
  return ref.includes(":") && ref.includes("/") ? shortRef(ref).replace(/^[^:]*:/, "") : ref;
}

function Answer({ of, strength }: { of: readonly string[]; strength: StrengthSource }) {
  const answer = useAnswer(BlastRadius, { of, strength }, { keepPrevious: false });
  if (answer.isError) {
    const { error } = answer;
    return error instanceof AnswerError && error.candidates.length > 0 ? (
      <Candidates error={error} />
    ) : (
      <Failure error={error} retry={() => void answer.refetch()} />
    );
  }
  const blast = answer.data?.blastRadius;
  if (!blast) return <Loading what="Following the dependencies" />;
  const { outage, degraded, delayed } = blast.totals;
  return (
    <>
      <Totals blast={blast} />
      {outage + degraded + delayed === 0 ? (
        <Empty>Nothing else is hit, as far as is known.</Empty>
      ) : (
        <>
          <div className="blast-columns">
            <Journeys blast={blast} />
            <Teams blast={blast} />
          </div>
          <ImpactedTable of={of} strength={strength} />
        </>
      )}
    </>
  );
}

function Totals({ blast }: { blast: Blast }) {
  const parts = blast.failed.nodes.filter(({ partOf }) => partOf !== null).length;
  return (
    <>
      <dl className="totals">
        {(["OUTAGE", "DEGRADED", "DELAYED"] as const).map((impact) => (
          <div key={impact} className={`total impact-${impact.toLowerCase()}`}>
            <dt>
              {impactWords[impact].label} <span>{impactWords[impact].meaning}</span>
            </dt>
            <dd>{blast.totals[impact.toLowerCase() as "outage" | "degraded" | "delayed"].toLocaleString("en")}</dd>
          </div>
        ))}
      </dl>
      {parts > 0 && (
        <details className="failed-parts">
          <summary>{count(parts, "part")} of it fails with it</summary>
          <ul className="chips">
            {blast.failed.nodes
              .filter(({ partOf }) => partOf !== null)
              .map(({ entity }) => (
                <li key={entity.ref}>
                  <EntityLink entity={entity} />
                </li>
              ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Journeys({ blast }: { blast: Blast }) {
  return (
    <section aria-labelledby="journeys">
      <h2 id="journeys">Journeys</h2>
      {blast.journeys.nodes.length === 0 ? (
        <Empty>No journey is hit.</Empty>
      ) : (
        <ul className="plain-list hits">
          {blast.journeys.nodes.map(({ entity, impact, observedReach }) => (
            <li key={entity.ref}>
              <ImpactBadge impact={impact} /> <EntityLink entity={entity} /> <Reach reach={observedReach} />
            </li>
          ))}
        </ul>
      )}
      {blast.systems.nodes.length > 0 && (
        <>
          <h2>Systems</h2>
          <ul className="plain-list hits">
            {blast.systems.nodes.map(({ entity, impact }) => (
              <li key={entity.ref}>
                <ImpactBadge impact={impact} /> <EntityLink entity={entity} />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Teams({ blast }: { blast: Blast }) {
  return (
    <section aria-labelledby="teams">
      <h2 id="teams">Teams to page</h2>
      <ul className="teams">
        {blast.teams.nodes.map((team) => (
          <li key={team.owner?.ref ?? "nobody"}>
            <ImpactBadge impact={team.worst} />
            <div>
              <p>
                {team.owner ? <EntityLink entity={team.owner} /> : <span className="tag tag-loud">no owner</span>}{" "}
                <span className="quiet">{team.impacted.toLocaleString("en")} hit</span>
              </p>
              {team.onCall.length > 0 ? (
                <Contacts contacts={team.onCall} />
              ) : (
                <p className="quiet">Nobody is on call for it.</p>
              )}
            </div>
          </li>
        ))}
      </ul>
      {blast.teams.totalCount > blast.teams.nodes.length && (
        <p className="quiet">
          The first {blast.teams.nodes.length} of {blast.teams.totalCount.toLocaleString("en")}.
        </p>
      )}
    </section>
  );
}

function ImpactedTable({ of, strength }: { of: readonly string[]; strength: StrengthSource }) {
  const list = usePages(Impacted, { of, strength, first: 50 }, (answer) => answer.blastRadius?.impacted);
  return (
    <section aria-labelledby="impacted">
      <h2 id="impacted">
        Everything that is hit {list.isSuccess && <span className="quiet">{list.totalCount.toLocaleString("en")}</span>}
      </h2>
      {list.isError ? (
        <Failure error={list.error} retry={() => void list.refetch()} />
      ) : list.isPending ? (
        <Loading />
      ) : (
        <>
          <div className="table-frame">
            <table className="impacted">
              <caption className="visually-hidden">What is hit, the worst first, each with a path as proof</caption>
              <thead>
                <tr>
                  <th scope="col">Impact</th>
                  <th scope="col">What</th>
                  <th scope="col">Owner</th>
                  <th scope="col">Because</th>
                </tr>
              </thead>
              <tbody>
                {list.nodes.map((node) => (
                  <tr key={node.entity.ref}>
                    <td data-label="Impact">
                      <ImpactBadge impact={node.impact} />
                    </td>
                    <th scope="row">
                      <EntityLink entity={node.entity} /> <TierBadge tier={node.entity.tier} /> <Reach reach={node.observedReach} />
                    </th>
                    <td data-label="Owner">
                      <Owner row={node.entity} />
                    </td>
                    <td data-label="Because">
                      <Witness node={node} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <More
            shown={list.nodes.length}
            total={list.totalCount}
            busy={list.isFetchingNextPage}
            more={list.hasNextPage ? () => void list.fetchNextPage() : null}
          />
        </>
      )}
    </section>
  );
}

/** The chain from a hit entity to a failed one, with its evidence on demand. */
function Witness({ node }: { node: ImpactedNode }) {
  return (
    <details className="witness">
      <summary>
        <span className="visually-hidden">Because of </span>
        {node.path.map((step, i) => (
          <span key={i} className="step">
            <span className="arrow" aria-hidden="true">
              →
            </span>{" "}
            {displayName(step.to)}{" "}
          </span>
        ))}
      </summary>
      <ol className="steps">
        {node.path.map((step, i) => (
          <li key={i}>
            <EntityLink entity={step.from} plain /> needs <EntityLink entity={step.to} plain />{" "}
            <StrengthBadge strength={step.strength} />
            {step.anyOf && <span className="quiet"> one of {step.anyOf}</span>}
            {step.via && (
              <span className="quiet">
                {" "}
                by way of <EntityLink entity={step.via} plain />
              </span>
            )}
            {step.relation?.fallback && <p className="quiet">Otherwise {step.relation.fallback}.</p>}
            <EvidenceList evidence={step.evidence} />
          </li>
        ))}
      </ol>
      {node.alternatives.length > 0 && (
        <p className="quiet">All alternatives are out: {node.alternatives.map(displayName).join(", ")}.</p>
      )}
    </details>
  );
}
